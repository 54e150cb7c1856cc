// The firewall mark of a WireGuard server's packets, as the kernel has it for the server's sockets.
import { execFileSync } from 'node:child_process'
import test from 'ava'
import { generatePrivateKey, startWireGuardServer } from '../../src/index.js'
import { may } from './support/processes.js'

/** Only root may mark packets, and only Linux has `ss`. */
const mayMark = process.getuid?.() === 0 && may('ss', ['-V']) !== undefined

const sockets = (port: number) =>
  execFileSync('ss', ['-Hnuae', `sport = :${port}`], { encoding: 'utf8' })
    .trim()
    .split('\n')

;(mayMark ? test : test.skip)('both sockets of a server have its mark, and those of others none', async (t) => {
  const privateKey = generatePrivateKey()
  for (const mark of [0x6d77, 0xffff_fffe, undefined]) {
    const server = await startWireGuardServer({ port: 0, privateKey, ...(mark !== undefined && { mark }) })
    const shown = sockets(server.port)
    t.is(shown.length, 2)
    for (const socket of shown) {
      t.is(/fwmark:(\S+)/.exec(socket)?.[1], mark === undefined ? mark : `0x${mark.toString(16)}`)
    }
    await server.close()
  }
})

test('a mark is a whole number of 32 bits, and not 0, which means none', async (t) => {
  for (const mark of [0, -1, 1.5, 2 ** 32]) {
    const start = startWireGuardServer({ port: 0, privateKey: generatePrivateKey(), mark })
    await t.throwsAsync(start, { code: 'ERR_ARGUMENT', message: /^mark .*: a whole number from 1 to 4294967295$/ })
  }
})
