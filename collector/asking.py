"""What a command needs to ask a collector that runs: where it serves, and the token that it takes."""

from __future__ import annotations

from config.endpoint import EndpointError, default_state, read_secret, sqlite_path

DEFAULT_URL = "http://127.0.0.1:8080"


def token_of(state_url: str | None) -> str:
    """From CALLPOINT_API_TOKEN or CALLPOINT_API_TOKEN_FILE, else from the file beside the state. Raises EndpointError
    for a state that is no file, and OSError where there is none that may be read."""
    given = read_secret("CALLPOINT_API_TOKEN")
    if given:
        return given
    state_url = state_url or default_state()
    path = sqlite_path(state_url)
    if path is None:
        raise EndpointError(f"state URL {state_url!r}: expected sqlite:PATH, or the token in CALLPOINT_API_TOKEN")
    return path.with_name(f"{path.name}.token").read_text(encoding="utf-8").strip()
