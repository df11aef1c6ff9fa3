"""Tests share the machine like everybody else, and hear the signals that they send."""

import signal

from autoseg.hardware import share_cores_with_others

share_cores_with_others()
# A shell starts what runs in the background deaf to these, and so would be all processes that tests start.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
