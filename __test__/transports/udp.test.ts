// Sockets for datagrams to a server that the system does not let us reach.
import test from 'ava'
import { connectUdp } from '../../src/transports/udp.js'

test('where the system refuses to connect, that is the answer, and no exception that ends the process', async (t) => {
  // A socket that was not allowed to broadcast.
  await t.throwsAsync(connectUdp('255.255.255.255', 9), { code: 'EACCES' })
})
