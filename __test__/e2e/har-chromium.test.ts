// A HAR that Chromium has recorded is read: its pages, forms, pictures and scripts have the bytes that the server has sent.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { chromium as browser } from 'playwright-core'
import type { HttpRecord } from '../../src/flow/record.js'
import { readFlowFile } from '../../src/index.js'
import { chromium } from './support/skip.js'
import { suite } from './support/suite.js'

const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const SCRIPT = "document.title = 'grün'"
const PAGE = '<!doctype html><meta charset=utf-8><img src=/picture.png><script src=/script.js></script><p>größe</p>'

const check = suite(['chromium'], async () => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-har-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
})

/** Answers with a type and a body for each path. */
function site(path: string): [type: string, body: Buffer, coding?: string] {
  if (path === '/picture.png') return ['image/png', PICTURE]
  if (path === '/script.js') return ['text/javascript; charset=utf-8', gzipSync(SCRIPT), 'gzip']
  if (path === '/form?a=b') return ['application/json', Buffer.from('{"ok":true}')]
  return ['text/html; charset=utf-8', Buffer.from(PAGE)]
}

check('pages, pictures, scripts and forms are read from it', async (t, folder) => {
  const server = createServer((request, response) => {
    const [type, body, coding] = site(request.url ?? '')
    response.writeHead(200, { 'content-type': type, ...(coding && { 'content-encoding': coding }) }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const path = join(folder, 'chromium.har')
  const window = await browser.launch({
    executablePath: chromium ?? '',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  })
  try {
    const context = await window.newContext({ recordHar: { path, content: 'embed', mode: 'full' } })
    const page = await context.newPage()
    await page.goto(`${origin}/`)
    const post =
      "fetch('/form?a=b', { method: 'POST', body: new URLSearchParams({ name: 'grün' }) }).then((one) => one.json())"
    t.deepEqual(await page.evaluate(post), { ok: true })
    await context.close()
  } finally {
    await window.close()
  }
  const flows = new Map<string, HttpRecord>()
  for await (const flow of readFlowFile(path)) if (flow.type === 'http') flows.set(flow.request.path, flow)
  const bodyOf = (name: string) => flows.get(name)?.response?.body.stored.bytes()
  t.is(String(bodyOf('/')), PAGE)
  t.deepEqual(bodyOf('/picture.png'), PICTURE)
  t.is(String(bodyOf('/script.js')), SCRIPT)
  t.is(String(bodyOf('/form?a=b')), '{"ok":true}')
  const form = flows.get('/form?a=b')
  t.is(form?.request.method, 'POST')
  t.is(form?.request.body.stored.bytes().toString(), 'name=gr%C3%BCn')
  t.is(form?.server?.remote?.address, '127.0.0.1')
  t.true((form?.endedAt ?? 0) >= (form?.request.startedAt ?? Number.NaN))
})
