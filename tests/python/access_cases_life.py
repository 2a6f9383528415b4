"""Ways to see that an object is gone, with races: weak references, finalizers, who comes next."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from access_shapes import BOX, Case, reads

WEAK = "import weakref\n" + BOX
TELLING = """
class Telling:
    def __init__(self, s):
        self.s = s
    def __del__(self):
        self.s.n += 1
"""

LIFE: list[Case] = [
    Case("weakref check then use", "s.b = Box(1); s.r = weakref.ref(s.b); s.x = 1",
         "if s.r() is not None:\n    s.x = s.r() is not None", "s.b = None", "s.x", WEAK),
    Case("weakref dropped by del", "s.b = Box(1); s.r = weakref.ref(s.b); s.x = 1",
         "if s.r() is not None:\n    s.x = s.r() is not None", "del s.b", "s.x", WEAK),
    Case("weakref dropped from a dict", "s.d = {1: Box(1)}; s.r = weakref.ref(s.d[1]); s.x = 1",
         "if s.r() is not None:\n    s.x = s.r() is not None", "s.d.pop(1)", "s.x", WEAK),
    Case("weakref dropped by clear", "s.d = [Box(1)]; s.r = weakref.ref(s.d[0]); s.x = 1",
         "if s.r() is not None:\n    s.x = s.r() is not None", "s.d.clear()", "s.x", WEAK),
    Case("weakref dropped by a slice", "s.d = [Box(1)]; s.r = weakref.ref(s.d[0]); s.x = 1",
         "if s.r() is not None:\n    s.x = s.r() is not None", "s.d[:] = []", "s.x", WEAK),
    Case("weakref dropped with its container",
         "s.b = [(Box(1),)]; s.r = weakref.ref(s.b[0][0]); s.x = 1",
         "if s.r() is not None:\n    s.x = s.r() is not None", "s.b = None", "s.x", WEAK),
    Case("weakref dropped by setattr", "s.b = Box(1); s.r = weakref.ref(s.b); s.x = 1",
         "if s.r() is not None:\n    s.x = s.r() is not None", "setattr(s, 'b', None)", "s.x",
         WEAK),
    Case("weakref to what a local variable has", "s.r = None; s.x = 1",
         "r = s.r\nif r and r() is not None:\n    s.x = r() is not None",
         "box = Box(1)\ns.r = weakref.ref(box)\nbox = None", "s.x", WEAK),
    Case("weakref to what a function has", "s.r = None; s.x = 1",
         "r = s.r\nif r and r() is not None:\n    s.x = r() is not None",
         "keep(s)", "s.x",
         WEAK + "def keep(s):\n    box = Box(1)\n    s.r = weakref.ref(box)\n    s.n = 1\n"),
    Case("weakref outlives what the other holds",
         "s.b = Box(1); s.r = weakref.ref(s.b); s.x = 1",
         "box = s.b\ns.n = 1\nbox = None", "s.b = None\ns.x = s.r() is None", "s.x", WEAK),
    Case("proxy", "s.b = Box(1); s.p = weakref.proxy(s.b); s.x = s.y = 0",
         "try:\n    s.x = s.p.value\n    s.y = s.p.value\nexcept ReferenceError:\n    s.y = 0",
         "s.b = None", "s.x == s.y", WEAK),
    Case("WeakValueDictionary cache",
         "s.c = weakref.WeakValueDictionary(); s.b = Box(1); s.c[1] = s.b; s.x = 1",
         "if 1 in s.c:\n    s.x = s.c.get(1) is not None", "s.b = None", "s.x", WEAK),
    Case("WeakSet iteration", "s.b = Box(1); s.w = weakref.WeakSet([s.b]); s.x = s.y = 0",
         "s.x = len(list(s.w))\ns.y = len(list(s.w))", "s.b = None", "s.x == s.y", WEAK),
    Case("WeakKeyDictionary items",
         "s.b = Box(1); s.w = weakref.WeakKeyDictionary({s.b: 1}); s.x = s.y = 0",
         "s.x = len(list(s.w.items()))\ns.y = len(list(s.w.items()))", "s.b = None", "s.x == s.y",
         WEAK),
    Case("finalize alive", "s.b = Box(1); s.f = weakref.finalize(s.b, int); s.x = s.y = 0",
         "s.x = s.f.alive\ns.y = s.f.alive", "s.b = None", "s.x == s.y", WEAK),
    reads("callback writes",
          "s.n = 0\ns.b = Box()\ns.w = weakref.ref(s.b, lambda r: setattr(s, 'n', 1))", "s.n",
          "s.b = None", WEAK),
    Case("__del__ updates what others update", "s.n = 0\ns.b = Telling(s)", "s.n += 1",
         "s.b = None", "s.n == 2", TELLING),
    Case("who drops last runs __del__", "s.n = 0; s.x = []\ns.b = s.c = Telling(s)",
         "s.b = None\ns.x.append(s.n)", "s.c = None\ns.x.append(s.n)", "s.x == [0, 1]", TELLING),
    Case("id of what is gone", "s.b = Box(1); s.x = {}; s.seen = 0",
         "s.x[id(s.b)] = 1\ns.seen = id(s.b) in s.x", "s.b = None\ns.b = Box(2)", "s.seen", WEAK),
]
