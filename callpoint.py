"""The command line. Each command imports its package only when it is asked for."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEMO_SITE = HERE / "config" / "sites" / "demo"
OURS = {"config", "gateway", "collector", "simulator", "dashboards"}
OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 well, 1 failed, 2 wrong use, 130 interrupted."""
    # Our folders have everyday names (`config`): they must win over a stranger's module of the same name.
    sys.path.insert(0, str(HERE))
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return INTERRUPTED
    except ModuleNotFoundError as error:
        # A gateway's install leaves out what only the collector or the demo needs; anything else is our mistake.
        if options.extra is None or (error.name or "").partition(".")[0] in OURS:
            raise
        install = f"pip install --constraint constraints.txt '.[{options.extra}]'"
        print(f"callpoint {options.command}: needs {error.name}; in the sources' folder: {install}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader (`| head`) has gone: nothing more to say, and nothing to complain about at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    from collector import keeping  # the commands about what is kept: accounts, people, backups
    from collector.enrolment import command as enrolment
    from config import registers
    from dashboards import command as dashboards
    from gateway.probe import commands as on_site

    whole = argparse.ArgumentParser(
        prog="callpoint",
        description="Lets a neighbourhood's own people answer a fire or a stuck elevator in time.",
        epilog="Secrets come from the environment or a file: CALLPOINT_MQTT_PASSWORD or CALLPOINT_MQTT_PASSWORD_FILE.",
    )
    whole.add_argument("--version", action=_Version, help="print the version and stop")
    whole.set_defaults(extra=None)  # what of `pip install '.[extra]'` a command needs
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_services(commands)
    _add_simulate(commands)
    _add_tools(commands)
    registers.add_parser(commands)
    keeping.add_parsers(commands)
    enrolment.add_parser(commands)
    on_site.add_parsers(commands)
    dashboards.add_parser(commands)
    return whole


class _Version(argparse.Action):
    """Prints what is installed here."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"{parser.prog} {version('callpoint')}")
        parser.exit()


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser(
        "demo", help="a whole community on this machine, with a story", description=_demo.__doc__
    )
    demo.add_argument("--story", choices=["fire", "entrapment", "discharge"], help="play this one only (default: all)")
    demo.add_argument(
        "--exit", action="store_true", help="stop when the story is over; exit 1 if it did not go as told"
    )
    demo.add_argument("--json", type=Path, metavar="FILE", help="write timeline, notices and ledger here")
    demo.add_argument("--site", type=Path, default=DEMO_SITE, help="another site folder with these stories' devices")
    demo.add_argument("--mqtt", metavar="URL", help="use this broker, mqtt://host:port (default: an embedded one)")
    demo.add_argument("--history", metavar="URL", help="use this history (default: a SQLite file)")
    demo.add_argument("--listen", metavar="HOST:PORT", help="where the page is (default: 127.0.0.1:8080 or near it)")
    demo.set_defaults(run=_demo, extra="demo")


def _add_services(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from config import logs

    gateway = commands.add_parser("gateway", help="ask a building's devices and publish", description=_gateway.__doc__)
    gateway.add_argument("site", type=Path, metavar="SITE", help="site folder")
    gateway.add_argument("--id", required=True, metavar="GW", help="which gateway of the site this machine is")
    gateway.add_argument("--mqtt", required=True, metavar="URL", help="mqtt://host:port or mqtts://host:port")
    gateway.add_argument("--state", type=Path, metavar="DIR", help="journal folder (default: XDG state folder)")
    gateway.add_argument("--buses", type=Path, metavar="FILE", help="JSON that says where buses are instead")
    logs.add_options(gateway)
    gateway.set_defaults(run=_gateway)

    collector = commands.add_parser("collector", help="hear, keep, decide, tell", description=_collector.__doc__)
    collector.add_argument("site", type=Path, metavar="SITE", help="site folder")
    collector.add_argument("--mqtt", required=True, metavar="URL", help="mqtt://host:port or mqtts://host:port")
    collector.add_argument("--history", metavar="URL", help="sqlite:PATH, influxdb://host:port/db, influxdb2://…")
    collector.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    collector.add_argument("--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="default: %(default)s")
    collector.add_argument("--url", metavar="URL", help="what phones open (default: the plan's board_url)")
    logs.add_options(collector)
    collector.set_defaults(run=_collector, extra="collector")

    broker = commands.add_parser("broker", help="an embedded MQTT broker for trials", description=_broker.__doc__)
    broker.add_argument("--listen", default="127.0.0.1:1883", metavar="HOST:PORT", help="default: %(default)s")
    broker.set_defaults(run=_broker, extra="demo")


def _add_simulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    simulate = commands.add_parser("simulate", help="a site's devices, made up", description=_simulate.__doc__)
    simulate.add_argument("site", type=Path, metavar="SITE", help="site folder")
    simulate.add_argument("--story", metavar="NAME", help="play this story at once")
    simulate.add_argument("--speed", type=_positive, default=1.0, metavar="N", help="N times as fast (default: 1)")
    simulate.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same world (default: 1)")
    simulate.add_argument("--addresses", type=Path, metavar="FILE", help="write where each bus listens, as JSON")
    simulate.add_argument("--json", action="store_true", help="print JSON lines")
    simulate.set_defaults(run=_simulate)


def _add_tools(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from gateway.probe.commands import add_live

    check = commands.add_parser("check", help="check a site folder", description=_check.__doc__)
    check.add_argument("site", type=Path, metavar="SITE", nargs="?", help="site folder")
    check.add_argument("--schema", choices=["site", "profile"], help="print the JSON Schema for editors instead")
    add_live(check)
    check.set_defaults(run=_check)

    tap = commands.add_parser("tap", help="show live traffic in readable lines", description=_tap.__doc__)
    tap.add_argument("--mqtt", required=True, metavar="URL", help="mqtt://host:port or mqtts://host:port")
    tap.add_argument("--group", default="+", help="one community only (default: all)")
    tap.add_argument("--record", type=Path, metavar="FILE", help="write it to a new file too, for replay")
    tap.set_defaults(run=_tap)

    replay = commands.add_parser("replay", help="a recording, decided again", description=_replay.__doc__)
    replay.add_argument("file", type=Path, metavar="FILE", help="from `callpoint tap --record`")
    replay.add_argument("site", type=Path, metavar="SITE", help="site folder")
    replay.add_argument("--json", action="store_true", help="print JSON lines")
    replay.set_defaults(run=_replay)

    ledger = commands.add_parser("ledger", help="account for every report", description=_ledger.__doc__)
    ledger.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    ledger.add_argument(
        "--history", metavar="URL", help="as the collector's (default: the SQLite file beside the state)"
    )
    ledger.add_argument("--json", action="store_true", help="print JSON")
    ledger.set_defaults(run=_ledger, extra="collector")

    doctor = commands.add_parser("doctor", help="what is wrong with this machine", description=_doctor.__doc__)
    doctor.add_argument("site", type=Path, metavar="SITE", nargs="?", help="site folder")
    doctor.add_argument("--id", metavar="GW", help="look at this gateway's buses (default: at a collector's parts)")
    doctor.add_argument("--mqtt", metavar="URL", help="mqtt://host:port or mqtts://host:port")
    doctor.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    doctor.add_argument("--history", metavar="URL", help="as the collector's (default: the file beside the state)")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=_doctor, extra="collector")

    why = commands.add_parser("why", help="why was I called, or not", description=_why.__doc__)
    why.add_argument("incident", metavar="INCIDENT", help="its id, or latest")
    why.add_argument("--person", metavar="ID", help="why this person was called, or was not")
    why.add_argument("--site", type=Path, metavar="SITE", help="tells rings and who may reset by name")
    why.add_argument("--state", metavar="URL", help="sqlite:PATH (default: XDG state folder)")
    why.add_argument("--json", action="store_true", help="print JSON")
    why.set_defaults(run=_why)

    bench = commands.add_parser("bench", help="measure", description=_bench.__doc__)
    bench.add_argument(
        "what",
        choices=["alarm", "engine", "storm", "call", "page", "dashboards"],
        help="alarm: register change to hand-over to the channel;"
        " engine: reports a second; storm: fires among troubles; call: everybody at once;"
        " page: everybody over real channels, good and broken ones, and the board that shows it;"
        " dashboards: a month of history, asked as Grafana's overview asks",
    )
    bench.add_argument(
        "--count",
        type=_count,
        metavar="N",
        help="alarms (50), reports (200,000), troubles (5,000), people (1,300) or buildings (986)",
    )
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    bench.set_defaults(run=_bench, extra="demo")


def _demo(options: argparse.Namespace) -> int:
    """Start a broker, devices, gateways and a collector on this machine and play a kitchen fire, an entrapment
    and a discharged extinguisher. Ctrl-C stops everything."""
    from simulator.demo import DemoOptions, run

    return run(
        DemoOptions(
            program=(sys.executable, str(HERE / "callpoint.py")),
            site=options.site,
            stories=(options.story,) if options.story else ("fire", "entrapment", "discharge"),
            exit=options.exit,
            json_file=options.json,
            mqtt=options.mqtt,
            history=options.history,
            listen=options.listen,
        )
    )


def _gateway(options: argparse.Namespace) -> int:
    """Ask the devices of one gateway, keep a journal, publish over MQTT (Sparkplug B). Reads only, never writes."""
    from gateway.__main__ import run
    from gateway.plan import GatewayOptions

    return run(
        GatewayOptions(
            site=options.site,
            gateway=options.id,
            mqtt=options.mqtt,
            state=options.state,
            buses=options.buses,
            log=options.log,
            log_level=options.log_level,
        )
    )


def _collector(options: argparse.Namespace) -> int:
    """Hear the gateways, keep what they say, decide, call people, and serve the page and the API."""
    from collector.__main__ import CollectorOptions, run

    return run(
        CollectorOptions(
            site=options.site,
            mqtt=options.mqtt,
            history=options.history,
            state=options.state,
            listen=options.listen,
            url=options.url,
            log=options.log,
            log_level=options.log_level,
        )
    )


def _broker(options: argparse.Namespace) -> int:
    """An MQTT broker inside this process: no passwords, nothing kept. For trials; use Mosquitto for real."""
    from simulator.broker import run

    return run(options.listen)


def _simulate(options: argparse.Namespace) -> int:
    """Serve a site's devices over real Modbus TCP and serial lines from a made-up world."""
    from simulator.__main__ import SimulateOptions, run

    return asyncio.run(
        run(
            SimulateOptions(
                site=options.site,
                story=options.story,
                speed=options.speed,
                seed=options.seed,
                addresses=options.addresses,
                json=options.json,
            )
        )
    )


def _check(options: argparse.Namespace) -> int:
    """Read a site folder and its profiles and list every mistake by file and line. Exit 1 if there is one. With --live,
    ask its devices as well, and say what differs: who is missing, who is not in the site, who is another device."""
    from config.loader import read_site
    from config.site import SiteFile
    from gateway.probe.commands import check_live, is_live

    if options.schema:
        from config.profile import Profile
        from config.schema import schema_text

        print(schema_text(SiteFile if options.schema == "site" else Profile), end="")
        return OK
    if is_live(options):
        return check_live(options)
    if options.site is None:
        print("callpoint check: expected a site folder", file=sys.stderr)
        return USAGE
    site, document = read_site(options.site)
    for mistake in sorted(set(document.mistakes)):
        print(mistake)
    if site is None:
        return FAILED
    points = sum(len(site.points(device)) for device in site.devices.values())
    print(
        f"{site.community.id}: {len(site.buildings)} buildings, {len(site.gateways)} gateways,"
        f" {len(site.devices)} devices, {points} points, {len(site.people)} people: well"
    )
    return OK


def _tap(options: argparse.Namespace) -> int:
    """Listen to a broker and print every Sparkplug message in words. Changes nothing."""
    from collector.tap import run

    return run(options.mqtt, options.group, options.record)


def _replay(options: argparse.Namespace) -> int:
    """Run a recorded stream through the collector's rules in virtual time and print every decision with its reason.
    Nothing is sent. Lines of what people did may be added to the file by hand."""
    from collector.replay import run

    return run(options.file, options.site, options.json)


def _doctor(options: argparse.Namespace) -> int:
    """Look at disk, clock, site, broker, store, history, channels or buses, and say how to mend what is wrong. Nothing
    is changed and nobody is called. Exit code 0: nothing is wrong, 1: something is."""
    from collector.doctor import Asked, run

    return run(Asked(options.site, options.id, options.mqtt, options.state, options.history, options.json))


def _ledger(options: argparse.Namespace) -> int:
    """The account of every report from journal to history, from independent counts. Exit 1 if it does not balance."""
    from collector.storage.ledger import run

    return run(options.state, options.history, options.json)


def _why(options: argparse.Namespace) -> int:
    """Everything about an incident from the store: what opened it, who was called when and why, each sending, what they
    said, why nobody called them again, and what closed it. Works beside a collector that runs."""
    from collector.why import run

    return run(options.incident, options.state, options.site, options.person, options.json)


def _bench(options: argparse.Namespace) -> int:
    """Measure on this machine and print the figures: alarms through real processes and sockets, the engine alone with
    986 buildings, or, on the real store, fires in a storm of troubles, a fire that calls 1,300 people at once, and the
    same over real sockets, with the board of 986 buildings that shows it; or Grafana's overview of a month of them."""
    if options.what == "alarm":
        from simulator.bench import run

        return run((sys.executable, str(HERE / "callpoint.py")), DEMO_SITE, options.count or 50, options.json)
    if options.what == "dashboards":
        from dashboards.bench import run as run_dashboards

        return run_dashboards(options.count, options.json)
    from collector import bench

    return bench.run(options.what, DEMO_SITE, options.count, options.json)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= 1000:
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0, at most 1000")
    return number


if __name__ == "__main__":
    sys.exit(main())
