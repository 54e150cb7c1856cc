// A WireGuard server that echoes: whatever a client sends through the tunnel, to any address and port, comes back.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const help = `node examples/echo.mjs [options]        a WireGuard server that echoes TCP and UDP on every address and port

  --port PORT        UDP port to listen on (default 51820, 0 for a free one)
  --host ADDRESS     address to listen on, repeatable (default 0.0.0.0 and ::)
  --endpoint HOST    what clients dial: a name or an address, with or without a port (default: this machine's own)
  --help             this text

The keys are made anew at each start and kept nowhere.
`

const definitions = {
  port: { type: 'string', default: '51820' },
  host: { type: 'string', multiple: true },
  endpoint: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
}

/** The options, or undefined when there is nothing to start: the help was asked for or an argument is wrong (exit code 2). */
export function parse(argv) {
  try {
    const { values } = parseArgs({ args: argv, options: definitions })
    if (values.help) {
      process.stdout.write(help)
      return undefined
    }
    if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65535) {
      throw new Error(`--port ${values.port}: a number from 0 to 65535 is wanted`)
    }
    return { ...values, port: Number(values.port) }
  } catch (error) {
    refuse(error)
    return undefined
  }
}

function refuse(error) {
  process.stderr.write(`midwire: ${error.message.split('\n')[0]} (--help lists the options)\n`)
  process.exitCode = 2
}

const named = ({ address, port, family }) => (family === 6 ? `[${address}]:${port}` : `${address}:${port}`)

/** Until the server is closed. What midwire refuses becomes one line: exit code 2 for a wrong argument, 1 for a fault. */
export async function start(options) {
  const { MidwireError } = await import('midwire')
  try {
    await serve(options)
  } catch (error) {
    if (!(error instanceof MidwireError)) throw error
    if (['ERR_ARGUMENT', 'ERR_ADDRESS', 'ERR_PORT'].includes(error.code)) return refuse(error)
    process.stderr.write(`midwire: ${error.message}\n`)
    process.exitCode = 1
  }
}

async function serve({ port, host, endpoint }) {
  const { generatePrivateKey, publicKey, startWireGuardServer } = await import('midwire')
  const client = generatePrivateKey()
  const server = await startWireGuardServer({
    port,
    ...(host && { host }),
    privateKey: generatePrivateKey(),
    peers: [{ publicKey: publicKey(client), name: 'client' }],
    onConnection(stream) {
      console.log(`tcp  ${named(stream.source)} -> ${named(stream.destination)}`)
      stream.on('error', (error) => console.log(`tcp  ${named(stream.source)}: ${error.message}`))
      stream.pipe(stream)
    },
    onDatagram(datagram) {
      datagram.reply(datagram.data)
    },
    onError(error) {
      console.error(`midwire: ${error.message}`)
    },
  })
  try {
    // No name servers: here even they would only hear their questions again.
    await show(
      server,
      publicKey(client),
      server.clientConfig({ privateKey: client, dns: [], ...(endpoint && { endpoint }) }),
    )
  } catch (error) {
    await server.close()
    throw error
  }
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      console.log(`midwire: ${signal}, closing`)
      // A second signal finds no handler and ends the process at once.
      server.close()
    })
  }
  await server.closed
}

async function show(server, clientKey, configuration) {
  console.log(`WireGuard server on UDP port ${server.port}, public key ${server.publicKey}`)
  console.log(`client's public key ${clientKey}\n`)
  console.log(`Client configuration (for wg-quick, or the QR code for a phone):\n\n${configuration}`)
  if (process.stdout.isTTY) {
    const { renderUnicodeCompact } = await import('uqr')
    console.log(renderUnicodeCompact(configuration))
  }
  const tries = 'try `curl telnet://192.0.2.1:7` or `nc -u 192.0.2.1 7`'
  console.log(`Everything that a client sends comes back: ${tries}. Ctrl-C ends.`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = parse(process.argv.slice(2))
  if (options) await start(options)
}
