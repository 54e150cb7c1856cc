// `midwire web` and `midwire mcp` as users start them: a process, its output, and a real client of each.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import test, { type ExecutionContext } from 'ava'
import { createClient } from '../../src/web/client/index.js'

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url))

function confdir(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-web-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A page that runs, with its URL. */
async function startPage(t: ExecutionContext, ...flags: string[]) {
  const given = ['web', '--confdir', confdir(t), '-m', 'regular@127.0.0.1:0', '--web-port', '0', ...flags]
  const child = spawn(process.execPath, [main, ...given], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let text = ''
  child.stderr.setEncoding('utf8')
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (piece: string) => {
      text += piece
      const [, found] = /^The page: (\S+)$/m.exec(text) ?? []
      if (found) resolve(found)
    })
    child.once('exit', (code) => reject(new Error(`exit code ${code}: ${text}`)))
  })
  return { child, url }
}

test('web prints a URL that lets a browser in, and ends with Ctrl-C', async (t) => {
  const { child, url } = await startPage(t)
  t.regex(url, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{40,}$/)
  const entered = await fetch(url, { redirect: 'manual' })
  t.is(entered.status, 303)
  t.regex(entered.headers.get('set-cookie') ?? '', /HttpOnly; SameSite=Strict/)
  const { modes } = await createClient({ url }).listModes()
  t.is(modes[0]?.state, 'running')
  const exit = once(child, 'exit')
  child.kill('SIGINT')
  t.deepEqual(await exit, [0, null])
})

test('web says whose port it is that it cannot have, and the proxy does not stay', async (t) => {
  const { url } = await startPage(t)
  const error = await t.throwsAsync(startPage(t, '--web-port', new URL(url).port))
  t.regex(error.message, /exit code 1: .*web_port\) is in use already/s)
})

async function connect(t: ExecutionContext, ...args: string[]): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [main, 'mcp', ...args], stderr: 'ignore' }),
  )
  t.teardown(() => client.close())
  return client
}

const names = async (client: Client) => (await client.listTools()).tools.map(({ name }) => name)

test('mcp has a proxy of its own, and looks only', async (t) => {
  const client = await connect(t, '--confdir', confdir(t))
  const tools = await names(client)
  t.true(tools.includes('list_flows'))
  t.false(tools.includes('replay_flow'))
  const { content } = await client.callTool({ name: 'get_state', arguments: {} })
  t.regex(JSON.stringify(content), /proxyUrl[^,]*http:\/\/127\.0\.0\.1:\d+/)
})

test('mcp works with a midwire that runs, and changes it where that is allowed', async (t) => {
  const { url } = await startPage(t)
  const client = await connect(t, '--url', url, '--allow-changes')
  const mock = { filter: '~d example.com', respond: { status: 404 } }
  await client.callTool({ name: 'set_mock', arguments: mock })
  const { mocks } = await createClient({ url }).listMocks()
  t.is(mocks[0]?.filter, mock.filter)
})

test('mcp says what is wrong with a URL, without its token', async (t) => {
  const child = spawn(process.execPath, [main, 'mcp', '--url', 'http://127.0.0.1:9/?token=secret'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  t.deepEqual(await once(child, 'close'), [2, null])
  t.regex(text, /^midwire: --url http:\/\/127\.0\.0\.1:9\/\?token=\.\.\.: /)
  t.notRegex(text, /secret/)
})
