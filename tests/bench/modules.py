# SPDX-License-Identifier: BSD-2-Clause
"""What the bench consists of, in the order in which it runs."""
from dataclasses import dataclass
from types import ModuleType

import inbound
import inprocess
import latency
import peers
import resources
import scale
import signer


@dataclass(frozen=True)
class Module:
    code: ModuleType
    title: str
    full_s: int              # seconds that it may take, so that all of them together take 20 minutes,
    quick_s: int             # or two

    @property
    def name(self):
        return self.code.__name__

    def budget(self, is_quick):
        return self.quick_s if is_quick else self.full_s


MODULES = [
    Module(signer, "the signer in saturation", 150, 22),
    Module(inbound, "inbound calls, verified", 150, 15),
    Module(inprocess, "parts alone", 60, 6),
    Module(latency, "added latency", 90, 8),
    Module(peers, "side by side with Kamailio and the kernel", 350, 24),
    Module(resources, "memory and start", 60, 7),
    Module(scale, "many trunks", 150, 26),
]
