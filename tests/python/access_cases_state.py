"""More ways to touch shared memory, with races: state of the library, special methods."""
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from access_shapes import Case, reads, twice

SM = """
class Sm:
    pass

class Sn:
    pass
"""

LOG = """
import logging
import io
"""

STATE: list[Case] = [
    reads("log level cached", "s.lg = logging.getLogger('fr1')\ns.lg.setLevel(10)",
          "s.lg.isEnabledFor(10)", "s.lg.setLevel(50)", LOG),
    reads("log parent level",
          "s.p = logging.getLogger('frp')\ns.p.setLevel(10)\ns.lg = logging.getLogger('frp.c')",
          "s.lg.isEnabledFor(10)", "s.p.setLevel(50)", LOG),
    reads("log disable", "logging.disable(0)\ns.lg = logging.getLogger('fr1')\ns.lg.setLevel(10)",
          "s.lg.isEnabledFor(10)", "logging.disable(50)", LOG),
    reads("log propagate",
          "s.lg = logging.Logger('x')\ns.h=H([])\ns.q = logging.Logger('y')\ns.q.parent = s.lg\n"
          "s.lg.addHandler(s.h)", "look(s)", "s.q.propagate = False",
          LOG + "class H(logging.Handler):\n\n    def __init__(self, l):\n"
          "        super().__init__()\n"
          "        self.l = l\n\n    def emit(self, r):\n        self.l.append(r)\ndef look(s):\n"
          "    del s.h.l[:]\n    s.q.error('x')\n    return len(s.h.l)\n"),
    reads("log handler level",
          "s.f=io.StringIO();s.lg = logging.Logger('x')\ns.h=logging.StreamHandler(s.f)\n"
          "s.lg.addHandler(s.h)", "look(s)", "s.h.setLevel(100)", LOG + "def look(s):\n"
          "    s.f.seek(0); s.f.truncate(); s.lg.error('x'); return s.f.getvalue()\n"),
    reads("log setFormatter",
          "s.f=io.StringIO();s.lg = logging.Logger('x')\ns.h=logging.StreamHandler(s.f)\n"
          "s.lg.addHandler(s.h)", "look(s)",
          "s.h.setFormatter(logging.Formatter('%(levelname)s'))", LOG + "def look(s):\n"
          "    s.f.seek(0); s.f.truncate(); s.lg.error('x'); return s.f.getvalue()\n"),
    reads("log addFilter",
          "s.f=io.StringIO();s.lg = logging.Logger('x')\ns.h=logging.StreamHandler(s.f)\n"
          "s.lg.addHandler(s.h)", "look(s)", "s.lg.addFilter(no)",
          LOG + "def no(r): return 0\ndef look(s):\n"
          "    s.f.seek(0); s.f.truncate(); s.lg.error('x'); return s.f.getvalue()\n"),
    reads("log setStream",
          "s.f=io.StringIO();s.lg = logging.Logger('x')\ns.h=logging.StreamHandler(s.f)\n"
          "s.lg.addHandler(s.h)", "look(s)", "s.h.setStream(io.StringIO())", LOG + "def look(s):\n"
          "    s.f.seek(0); s.f.truncate(); s.lg.error('x'); return s.f.getvalue()\n"),
    reads("log addHandler emits",
          "s.f=io.StringIO();s.lg = logging.Logger('x')\ns.h=logging.StreamHandler(s.f)\n"
          "s.lg.addHandler(logging.NullHandler())", "look(s)", "s.lg.addHandler(s.h)",
          LOG + "def look(s):\n"
          "    s.f.seek(0); s.f.truncate(); s.lg.error('x'); return s.f.getvalue()\n"),
    reads("logging MemoryHandler",
          "s.h = logging.handlers.MemoryHandler(100)\ns.lg = logging.Logger('x')\n"
          "s.lg.addHandler(s.h)", "len(s.h.buffer)", "s.lg.error('e')",
          "import logging, logging.handlers\n"),
    reads("logging QueueHandler", "s.q = queue.Queue()\ns.h = logging.handlers.QueueHandler(s.q)\n"
          "s.lg = logging.Logger('x')\ns.lg.addHandler(s.h)", "s.q.qsize()", "s.lg.error('e')",
          "import queue, logging, logging.handlers\n"),
    reads("warnings catch", "warnings.resetwarnings()\nwarnings.simplefilter('ignore')", "look()",
          "warnings.simplefilter('error')",
          "import warnings\ndef look():\n    try:\n        warnings.warn('x')\n"
          "    except Warning:\n        return 1\n    return 0\n"),
    twice("warnings catch_warnings", "warnings.showwarning = keep",
          "with warnings.catch_warnings():\n    warnings.showwarning = len",
          "warnings.showwarning is keep", "import warnings\n\ndef keep(*shown):\n    pass\n"),
    reads("redirect_stdout", "s.f = io.StringIO()\nsys.stdout = s.f", "s.f.getvalue()",
          "print('x')", "import io, sys\n"),
    reads("redirect_stdout write", "s.f = io.StringIO()\nsys.stdout = s.f", "s.f.getvalue()",
          "sys.stdout.write('x')", "import io, sys\n"),
    twice("swap sys.stdout", "s.f = sys.__stdout__\nsys.stdout=s.f",
          "o = sys.stdout\nsys.stdout = io.StringIO()\nsys.stdout = o", "sys.stdout is s.f",
          "import io, sys\n"),
    reads("print after redirect", "s.f = io.StringIO()\nsys.stdout = io.StringIO()",
          "(print('x'), len(s.f.getvalue()))[1]*0 + look(s)", "sys.stdout = s.f",
          "import io, sys\ndef look(s):\n    print('x')\n"
          "    n = len(s.f.getvalue()); return n > 0\n"),
    reads("redirect_stdout ctx", "s.f = io.StringIO()\nsys.stdout = io.StringIO()", "look(s)",
          "with contextlib.redirect_stdout(s.f):\n    print('y')",
          "import io, sys, contextlib\ndef look(s):\n    print('x')\n"
          "    n = 'x' in s.f.getvalue(); return n > 0\n"),
    reads("exc print file", "s.f = io.StringIO(); s.e = ValueError([1])", "look(s)",
          "s.e.args = (2,)", "import io\ndef look(s):\n"
          "    f = io.StringIO(); print(s.e, file=f); return f.getvalue()\n"),
]

SPECIAL: list[Case] = [
    reads("isinstance class tuple", "s.c = Sm()", "isinstance(s.c, (Sn, int))",
          "s.c.__class__ = Sn", SM),
    reads("x.__class__", "s.c = Sm()", "s.c.__class__ is Sn", "s.c.__class__ = Sn", SM),
    reads("method by class", "s.c = Ta()", "s.c.f()", "s.c.__class__ = Tb",
          "class Ta:\n    def f(self):\n        return 1\nclass Tb:\n    def f(self):\n"
          "        return 2\n"),
    reads("len by class", "s.c = Ta()", "len(s.c)", "s.c.__class__ = Tb",
          "class Ta:\n    def __len__(self):\n        return 1\nclass Tb:\n"
          "    def __len__(self):\n        return 2\n"),
    reads("setattr special", "s.c = Sm()\nSm.__len__ = lambda s: 1", "len(s.c)",
          "setattr(Sm, '__len__', lambda s: 2)", SM),
    reads("delattr special", "s.c = Sm()\nSm.__bool__ = lambda s: False", "bool(s.c)",
          "del Sm.__bool__", SM),
    reads("enter replaced", "s.c = Cm()\nCm.__enter__ = lambda s: 1", "look(s)",
          "Cm.__enter__ = lambda s: 2",
          "class Cm:\n    def __exit__(self, *a):\n        pass\ndef look(s):\n"
          "    with s.c as v:\n        return v\n"),
    reads("hash replaced", "s.c = Sm()\nSm.__hash__ = lambda s: 1", "hash(s.c)",
          "Sm.__hash__ = lambda s: 2", SM),
    reads("lt in sorted", "s.l = [Lt(1), Lt(2)]\nLt.__lt__ = lambda a, b: a.n < b.n",
          "sorted(s.l)[0].n", "Lt.__lt__ = lambda a, b: a.n > b.n",
          "class Lt:\n    def __init__(self, n):\n        self.n = n\n"),
    reads("contains replaced", "s.c = Sm()\nSm.__contains__ = lambda s, x: True", "1 in s.c",
          "Sm.__contains__ = lambda s, x: False", SM),
    reads("new replaced", "Sm.__new__ = lambda c: object.__new__(c)", "type(Sm()).__name__",
          "Sm.__new__ = lambda c: object.__new__(Sn)", SM),
    reads("metaclass call", "M.__call__ = lambda c: 1", "K()", "M.__call__ = lambda c: 2",
          "class M(type):\n    pass\nclass K(metaclass=M):\n    pass\n"),
    reads("bases",
          "Sc.__bases__ = (Sm,)\nSm.__len__ = lambda s: 1\nSn.__len__ = lambda s: 2\ns.c=Sc()",
          "len(s.c)", "Sc.__bases__ = (Sn,)", SM + "class Sc(Sm):\n    pass\n"),
    reads("issubclass register", "global Ab\nAb = mk()", "issubclass(Sm, Ab)", "Ab.register(Sm)",
          SM + "import abc\ndef mk():\n    class Ab(abc.ABC):\n        pass\n    return Ab\n"),
    reads("subclasses class stmt", "s.k = []; s.B = type('B', (), {})",
          "len(s.B.__subclasses__())", "class X(s.B):\n    pass\ns.k.append(X)"),
    reads("instancecheck replaced", "M.__instancecheck__ = lambda c, x: True", "isinstance(1, K)",
          "M.__instancecheck__ = lambda c, x: False",
          "class M(type):\n    pass\nclass K(metaclass=M):\n    pass\n"),
    reads("format replaced", "s.c = Sm()\nSm.__format__ = lambda s, f: '1'", "f'{s.c}'",
          "Sm.__format__ = lambda s, f: '2'", SM),
    reads("next replaced", "s.c = Sm()\nSm.__next__ = lambda s: '1'", "next(s.c)",
          "Sm.__next__ = lambda s: '2'", SM),
    reads("get replaced", "D.__get__ = lambda d, s, o: '1'", "K().d",
          "D.__get__ = lambda d, s, o: '2'", "class D:\n    pass\nclass K:\n    d = D()\n"),
    reads("dict get value", "s.d = {'k': [0]}", "s.d.get('k')[0]", "s.d['k'][0] = 1"),
]
