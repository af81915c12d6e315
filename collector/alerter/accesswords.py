"""The pages' words about signing in, accounts and the audit log, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language

ACCESS_WORDS: Mapping[str, dict[Language, str]] = {
    "not-authorised": {"zh": "您没有这项权限", "en": "This is not yours to do"},
    "not-authorised-text": {
        "zh": "您的账号不能看或不能做这件事。如果应该可以，请找队长或管理员。",
        "en": "Your account may not see or do this. If it should, ask your leader or manager.",
    },
    "bad-form": {"zh": "请重新打开页面", "en": "Please open the page again"},
    "bad-form-text": {
        "zh": "这张表单已过期，或不是在您现在的登录状态下打开的。什么都没有改变，请返回重新打开页面再填。",
        "en": "This form is too old, or of another sign-in than yours now. Nothing was changed: go back, open it anew.",
    },
}
