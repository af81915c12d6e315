"""The words of the frame: navigation and themes."""

from __future__ import annotations

from collections.abc import Mapping

from config.people import Language

FRAME_WORDS: Mapping[str, dict[Language, str]] = {
    "menu": {"zh": "菜单", "en": "Menu"},
    "go-board": {"zh": "值守屏", "en": "Board"},
    "go-me": {"zh": "我的页面", "en": "My page"},
    "go-drills": {"zh": "演练", "en": "Drills"},
    "go-measures": {"zh": "停用与测试", "en": "Disabled and tested"},
    "go-rosters": {"zh": "值班表", "en": "Rosters"},
    "go-elevators": {"zh": "电梯", "en": "Elevators"},
    "go-devices": {"zh": "设备", "en": "Devices"},
    "go-people": {"zh": "人员", "en": "People"},
    "go-accounts": {"zh": "账号", "en": "Accounts"},
    "go-audit": {"zh": "操作记录", "en": "Audit log"},
    "theme": {"zh": "显示：", "en": "Display:"},
    "theme-system": {"zh": "跟随系统", "en": "as the system"},
    "theme-light": {"zh": "浅色", "en": "light"},
    "theme-dark": {"zh": "深色", "en": "dark"},
    "theme-wall": {"zh": "大屏", "en": "wall"},
}
