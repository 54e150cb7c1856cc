// `midwire transparent`: the rules as text, for nft and for iptables, and what is wrong on its command line.
import test, { type ExecutionContext } from 'ava'
import { midwire } from '../../src/cli/command.js'
import { downSteps, type Redirection, stepText, type Tool, upSteps } from '../../src/cli/transparent-rules.js'

const plain: Redirection = {
  port: 8080,
  ports: ['80', '8000-8100'],
  interface: undefined,
  uid: undefined,
  tproxy: false,
  families: [4, 6],
}

/** What `up` does after the removal of what was there. */
function up(t: ExecutionContext, wanted: Partial<Redirection>, tool: Tool = 'nft'): string {
  const [steps, down] = [upSteps({ ...plain, ...wanted }, tool), downSteps(tool)]
  t.deepEqual(steps.slice(0, down.length), down)
  return steps.slice(down.length).map(stepText).join('')
}

/** nft's table, without the lines around it. */
function table(text: string): string | undefined {
  const begin = "nft -f - <<'EOF'\nadd table inet midwire\ndelete table inet midwire\ntable inet midwire {\n"
  const at = text.indexOf(begin)
  return at < 0 || !text.endsWith('}\nEOF\n') ? undefined : text.slice(at + begin.length, -'}\nEOF\n'.length)
}

test('nft: REDIRECT of what arrives, anywhere or on one interface', (t) => {
  const arriving = (which: string) => `  chain arriving {
    type nat hook prerouting priority -100; policy accept;
    ${which} tcp dport { 80, 8000-8100 } redirect to :8080
  }
`
  t.is(table(up(t, {})), arriving('iifname != "lo"'))
  t.is(table(up(t, { interface: 'eth0' })), arriving('iifname "eth0"'))
})

test('nft: REDIRECT of what users open, but for one user, and for what has the mark', (t) => {
  const leaving = `  chain leaving {
    type nat hook output priority -100; policy accept;
    meta mark 0x6d77 return
    meta skuid != 1000 tcp dport { 80, 8000-8100 } redirect to :8080
  }
`
  t.is(table(up(t, { uid: 1000 })), leaving)
  const both = table(up(t, { uid: 1000, interface: 'eth0' })) ?? ''
  t.true(both.startsWith('  chain arriving {') && both.endsWith(leaving))
  // The uid of root is one like any other.
  t.regex(up(t, { uid: 0 }), /meta skuid != 0 /)
})

test('nft: TPROXY, with the way to this machine', (t) => {
  const text = up(t, { tproxy: true, interface: 'eth0', uid: 1000, port: 9090 })
  t.is(
    table(text),
    `  chain arriving {
    type filter hook prerouting priority -150; policy accept;
    fib daddr type { broadcast, multicast } return
    iifname "eth0" meta l4proto { tcp, udp } th dport { 80, 8000-8100 } tproxy to :9090 meta mark set 0x6d78 accept
    iifname "lo" meta mark 0x6d78 meta l4proto { tcp, udp } tproxy to :9090 meta mark set 0x6d78 accept
    meta l4proto { tcp, udp } socket transparent 1 socket wildcard 0 meta mark set 0x6d78 accept
  }
  chain leaving {
    type route hook output priority -150; policy accept;
    meta mark 0x6d77 return
    meta skuid != 1000 meta l4proto { tcp, udp } th dport { 80, 8000-8100 } meta mark set 0x6d78
  }
`,
  )
  t.true(
    text.startsWith(`ip -4 route replace local default dev lo table 28024
ip -4 rule add fwmark 0x6d78 lookup 28024 priority 28024
ip -6 route replace local default dev lo table 28024
ip -6 rule add fwmark 0x6d78 lookup 28024 priority 28024
nft -f - `),
  )
  t.notRegex(up(t, { tproxy: true, families: [4] }), /ip -6/)
})

test('iptables: chains of its own in both families', (t) => {
  const text = up(t, { uid: 1000, interface: 'eth0' }, 'iptables')
  const of = (program: string) => `${program} -w -t nat -N MIDWIRE_IN
${program} -w -t nat -A MIDWIRE_IN -i eth0 -p tcp --dport 80 -j REDIRECT --to-ports 8080
${program} -w -t nat -A MIDWIRE_IN -i eth0 -p tcp --dport 8000:8100 -j REDIRECT --to-ports 8080
${program} -w -t nat -A PREROUTING -j MIDWIRE_IN
${program} -w -t nat -N MIDWIRE_OUT
${program} -w -t nat -A MIDWIRE_OUT -m mark --mark 0x6d77 -j RETURN
${program} -w -t nat -A MIDWIRE_OUT -p tcp --dport 80 -m owner '!' --uid-owner 1000 -j REDIRECT --to-ports 8080
${program} -w -t nat -A MIDWIRE_OUT -p tcp --dport 8000:8100 -m owner '!' --uid-owner 1000 -j REDIRECT --to-ports 8080
${program} -w -t nat -A OUTPUT -j MIDWIRE_OUT
`
  t.is(text, of('iptables') + of('ip6tables'))
  t.is(up(t, { uid: 1000, interface: 'eth0', families: [4] }, 'iptables'), of('iptables'))
  const tproxy = up(t, { tproxy: true, ports: ['53'], families: [4] }, 'iptables')
  t.is(
    tproxy.replace(/^ip -4.*\n/gm, ''),
    `iptables -w -t mangle -N MIDWIRE_IN
iptables -w -t mangle -A MIDWIRE_IN -m addrtype --dst-type BROADCAST -j RETURN
iptables -w -t mangle -A MIDWIRE_IN -m addrtype --dst-type MULTICAST -j RETURN
iptables -w -t mangle -A MIDWIRE_IN '!' -i lo -p tcp --dport 53 -j TPROXY --on-port 8080 --tproxy-mark 0x6d78
iptables -w -t mangle -A MIDWIRE_IN '!' -i lo -p udp --dport 53 -j TPROXY --on-port 8080 --tproxy-mark 0x6d78
iptables -w -t mangle -A MIDWIRE_IN -p tcp -m socket --transparent -j MARK --set-mark 0x6d78
iptables -w -t mangle -A MIDWIRE_IN -p udp -m socket --transparent -j MARK --set-mark 0x6d78
iptables -w -t mangle -A PREROUTING -j MIDWIRE_IN
`,
  )
})

test('down removes what any up has set, and fails for nothing that is not there', (t) => {
  t.is(
    downSteps('nft').map(stepText).join(''),
    `nft -f - <<'EOF'
add table inet midwire
delete table inet midwire
EOF
while ip -4 rule del fwmark 0x6d78 lookup 28024 priority 28024 2>/dev/null; do :; done
ip -4 route flush table 28024 2>/dev/null || true
while ip -6 rule del fwmark 0x6d78 lookup 28024 priority 28024 2>/dev/null; do :; done
ip -6 route flush table 28024 2>/dev/null || true
`,
  )
  const text = downSteps('iptables').map(stepText).join('')
  for (const program of ['iptables', 'ip6tables']) {
    for (const name of ['nat', 'mangle']) {
      t.true(text.includes(`while ${program} -w -t ${name} -D OUTPUT -j MIDWIRE_OUT 2>/dev/null; do :; done\n`))
      t.true(text.includes(`${program} -w -t ${name} -X MIDWIRE_IN 2>/dev/null || true\n`))
    }
  }
})

async function ran(...argv: string[]) {
  let [out, err] = ['', '']
  const stdout = { write: (text: string) => (out += text) }
  const stderr = { write: (text: string) => (err += text) }
  const code = await midwire(argv, { stdout, stderr, env: {} })
  return { out, err, code }
}

test('the flags, with --dry-run', async (t) => {
  for (const flags of [
    ['--port', '9000'],
    ['-p', '9000'],
  ]) {
    const { out, code } = await ran('transparent', 'up', '--dry-run', '--ports', '443, 53,443', ...flags)
    t.is(code, 0)
    // nft's rule, or iptables'.
    t.regex(out, /\{ 443, 53 \} redirect to :9000|--dport 443 -j REDIRECT --to-ports 9000/)
  }
  const { out } = await ran('transparent', 'up', '--dry-run', '--uid', 'root')
  t.regex(out, /skuid != 0 |--uid-owner 0 /)
})

test('mistakes are one line', async (t) => {
  for (const [said, ...argv] of [
    [/^midwire: midwire transparent: up, or down/],
    [/^midwire: midwire transparent: up, or down/, 'upp'],
    [/^midwire: midwire transparent: up, or down/, 'up', 'down'],
    [/--ports 80,: write ports from 1 to 65535/, 'up', '--ports', '80,'],
    [/--ports 0: /, 'up', '--ports', '0'],
    [/--ports 90-80: /, 'up', '--ports', '90-80'],
    [/--ports 65536: /, 'up', '--ports', '65536'],
    [/--port 80-90: write a port/, 'up', '--port', '80-90'],
    [/--port wants one port/, 'up', '--port', '80,90'],
    [/--interface eth\* is no interface/, 'up', '--interface', 'eth*'],
    [/--uid no such: there is no such user/, 'up', '--uid', 'no such'],
    [/--uid wants a value/, 'up', '--uid'],
  ] as [RegExp, ...string[]][]) {
    const { out, err, code } = await ran('transparent', ...argv, '--dry-run')
    t.is(code, 2, argv.join(' '))
    t.is(out, '')
    t.regex(err, said)
    t.is(err.split('\n').length, 2)
  }
})

test('its flags belong to no other command', async (t) => {
  t.is((await ran('wg', 'show', '--uid', 'x')).err, 'midwire: --uid belongs to midwire transparent\n')
  t.is((await ran('--tproxy')).err, 'midwire: --tproxy belongs to midwire transparent\n')
})
