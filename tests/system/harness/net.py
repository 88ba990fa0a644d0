# SPDX-License-Identifier: BSD-2-Clause
"""A network of the test's own: a namespace with tap devices in it, made without root."""

import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading

from . import HANG_SECONDS
from .net_frames import PACKET_VNET_HDR, SOL_PACKET

AGENT = pathlib.Path(__file__).with_name("net_agent.py")
HOST4, GUEST4 = "10.5.0.1", "10.5.0.2"
HOST6, GUEST6 = "fd05::1", "fd05::2"
STATIC = f"ip={GUEST4}/24,{HOST4} ip6={GUEST6}/64,{HOST6} dns={HOST4}"  # of a guest, for its command line
LINK6 = "fe80::1/64"
SIOCGIFHWADDR = 0x8927


class NoNetwork(Exception):
    """This machine does not let its users have network namespaces with tap devices: the reason."""


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Network:
    """A user and a network namespace; programs and sockets inside it. Use it in a `with` statement."""

    def __init__(self):
        self.taps, self.programs = [], []
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(HANG_SECONDS)
        command = ["unshare", "--map-root-user", "--net", sys.executable, AGENT, str(theirs.fileno())]
        self.agent = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            pass_fds=(theirs.fileno(),), preexec_fn=_die_with_parent)
        theirs.close()
        said = self.agent.stdout.readline().strip()
        if said != "ready":
            self.close()
            raise NoNetwork(f"no network namespace for this user: {said}")
        self.run("ip", "link", "set", "lo", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End everything inside."""
        for program in self.programs:
            program.kill()
            program.wait()
        for tap in self.taps:
            for descriptor in tap.fds:
                os.close(descriptor)
        self.channel.close()
        self.agent.wait()
        self.agent.stdout.close()

    def _ask(self, **request):
        self.channel.send(json.dumps(request).encode())
        answer, descriptors, _, _ = socket.recv_fds(self.channel, 4096, 16)
        if error := json.loads(answer).get("error"):
            raise NoNetwork(f"{request}: {error}")
        return descriptors

    def _inside(self, command):
        return ["nsenter", "--target", str(self.agent.pid), "--user", "--net", "--preserve-credentials", *command]

    def run(self, *command, check=True, seconds=HANG_SECONDS):
        """Run a program to its end; returns what it printed."""
        result = subprocess.run(self._inside(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=seconds,
                                stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        if check and result.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}")
        return result.stdout

    def start(self, *command, **options):
        """Start a program; it is killed with the network."""
        program = subprocess.Popen(self._inside(command), stdin=subprocess.DEVNULL,  # pylint: disable=consider-using-with
                                   preexec_fn=_die_with_parent, **options)
        self.programs.append(program)
        return program

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, protocol=0):
        """A socket inside, with a limit on every wait."""
        made = socket.socket(fileno=self._ask(socket=[family, kind, protocol])[0])
        made.settimeout(HANG_SECONDS)
        return made

    def connect(self, port, address=GUEST4):
        """A connection to the guest."""
        made = self.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.connect((address, port))
        return made

    def tap(self, vnet=True, queues=1, addresses=(f"{HOST4}/24", f"{HOST6}/64"), mtu=1500):
        """A tap device that is up, with these addresses."""
        name = f"tap{len(self.taps)}"
        made = Tap(self, name, self._ask(tap=name, vnet=vnet, queues=queues))
        self.taps.append(made)
        if mtu >= 1280:  # an address of our own for the link: the kernel's would be tentative for seconds
            self.run("ip", "link", "set", name, "addrgenmode", "none")
            addresses = (*addresses, LINK6)
        self.run("ip", "link", "set", name, "mtu", str(mtu), "up")
        for address in addresses:
            self.run("ip", "address", "add", address, "dev", name, *(("nodad",) if ":" in address else ()))
        return made


class Tap:
    """One tap device."""

    def __init__(self, network, name, fds):
        self.network, self.name, self.fds = network, name, fds

    def attach(self, options="", backend=""):
        """What a guest needs for a network device on this tap, called nic; options begin with a comma."""
        which = f"fds={':'.join(map(str, self.fds))}" if len(self.fds) > 1 else f"fd={self.fds[0]}"
        many = f",mq=on,vectors={2 * len(self.fds) + 2}" if len(self.fds) > 1 else ""
        return {"fds": self.fds, "args": ("-netdev", f"tap,id=n0,{which}{backend}",
                                          "-device", f"virtio-net-pci,id=nic,netdev=n0{many}{options}")}

    def mac(self):
        """The host's address on this link."""
        with self.network.socket(kind=socket.SOCK_DGRAM) as probe:
            answer = fcntl.ioctl(probe, SIOCGIFHWADDR, struct.pack("256s", self.name.encode()))
        return answer[18:24]

    def capture(self):
        """A raw socket that gets a copy of every frame from now on, with the header of its offloads."""
        made = self.network.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
        made.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
        made.bind((self.name, 0))
        return made


def needs(*programs):
    """The first of these programs that is not installed, or None."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return next((program for program in programs if not shutil.which(program, path=path)), None)


def echo(connection, data, middle=None):
    """Send bytes to an echo server and return what comes back; middle() is called when half of it has."""
    connection.settimeout(HANG_SECONDS)
    sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)), daemon=True)
    sender.start()
    back = b""
    while part := connection.recv(1 << 16):
        back += part
        if middle and len(back) > len(data) // 2:
            middle()
            middle = None
    sender.join()
    return back
