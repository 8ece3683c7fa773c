"""`echo` on every host of a list through parallel-ssh, 64 at a time. Usage: KEY KNOWN_HOSTS PORT LIST"""

import sys

from pssh.clients import ParallelSSHClient

key, _, port, hosts = sys.argv[1:]
with open(hosts) as file:
    names = [line.strip() for line in file]
client = ParallelSSHClient(names, user="root", port=int(port), pkey=key, pool_size=64, allow_agent=False)
output = client.run_command("echo hello")
client.join(output)
if any(host.exit_code != 0 for host in output):
    sys.exit("a host did not answer")
