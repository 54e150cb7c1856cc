// What the page of `midwire web` costs and how fast it is: `node benchmark/page.mjs [--flows N] [--seconds S] [--rounds N] [--only paint,scroll,filter,load]`. No root.
//
// In Chromium (/usr/bin/chromium): the first paint with something to see; frames/s while the table with all flows is scrolled, and the time from
// a filter to its first rows. Then the proxy's CPU time a request at 2,000 requests/s, with the page open and without, in rounds that alternate. Needs dist/.
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Agent, createServer, request as send } from 'node:http'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'

const number = (fallback) => ({ type: 'string', default: `${fallback}` })
const { values } = parseArgs({
  options: {
    flows: number(500_000),
    seconds: number(5),
    rounds: number(5),
    rate: number(2_000),
    only: { type: 'string' },
  },
})
const [flows, seconds, rounds, rate] = ['flows', 'seconds', 'rounds', 'rate'].map((name) => Number(values[name]))

const PARTS = ['paint', 'scroll', 'filter', 'load']
const parts = values.only?.split(',')
const unknown = parts?.filter((part) => !PARTS.includes(part)) ?? []
if (unknown.length > 0) {
  console.error(
    `--only takes ${PARTS.join(', ')}, with commas between them, and not ${unknown.map((part) => JSON.stringify(part)).join(', ')}`,
  )
  process.exit(2)
}
const does = (part) => parts === undefined || parts.includes(part)

const server = fileURLToPath(new URL('servers/web.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'midwire-benchmark-'))
const ticks = Number(spawnSync('getconf', ['CLK_TCK']).stdout)
const pinned = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0
const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]
const children = []

/** A proxy with its page and so many flows. */
async function start(count) {
  const child = fork(server, [mkdtempSync(join(folder, 'conf-')), `${count}`], {
    execArgv: ['--max-old-space-size=4096', ...(process.env.PROXY_FLAGS?.split(' ') ?? [])],
  })
  children.push(child)
  const [where] = await once(child, 'message')
  return { child, ...where }
}

/** Seconds of CPU time that a process has used. */
function cpu({ pid }) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '')
  const [user, system] = stat.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) / ticks
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
})

async function open({ entrance }, script) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  // Beside other work all flows are looked at in a minute.
  page.setDefaultTimeout(120_000)
  if (script) await page.addInitScript(script)
  await page.goto(entrance)
  return page
}

/** In the page, before its own script: notes when the first frame is on its way that has a row with text where a person sees it. */
function noteRows() {
  const look = () => {
    const seen = document.elementFromPoint(700, 200)?.closest('.row')
    if (seen?.querySelector('[data-column=path]')?.textContent) window.firstRows = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}

/** Milliseconds from the navigation to the first content that is painted, and to the first rows of the table; medians of `rounds` loads. */
async function paints(proxy, what) {
  const all = { paint: [], rows: [] }
  for (let round = 0; round <= rounds; round += 1) {
    const page = await open(proxy, noteRows)
    const { paint, rows } = await page
      .waitForFunction(() => {
        const [entry] = performance.getEntriesByName('first-contentful-paint')
        return entry && window.firstRows && { paint: entry.startTime, rows: window.firstRows }
      })
      .then((handle) => handle.jsonValue())
    // The first load has a cold browser: it is told apart.
    if (round === 0)
      console.log(`${what}, cold browser: first paint ${Math.round(paint)} ms, first rows ${Math.round(rows)} ms`)
    else {
      all.paint.push(paint)
      all.rows.push(rows)
    }
    await page.context().close()
  }
  const shown = (times) => `${Math.round(median(times))} ms (${times.map(Math.round).join(', ')})`
  console.log(`${what}: first paint ${shown(all.paint)}, first rows ${shown(all.rows)}`)
}

/** Scrolls for some seconds, as a wheel does or by jumps of the scroll bar, and counts frames. */
async function scroll(page, how, step) {
  const result = await page.evaluate(
    async ([milliseconds, by]) => {
      const table = document.querySelector('.table')
      table.scrollTop = 0
      const bottom = table.scrollHeight - table.clientHeight - 2
      const times = []
      let looked = 0
      let blank = 0
      let at = 0
      const begun = performance.now()
      await new Promise((done) => {
        const frame = (now) => {
          times.push(now)
          if (now - begun > milliseconds) return done()
          at = at + by > bottom ? 0 : at + by
          table.scrollTop = at
          // To look at each frame would cost frames.
          if (times.length % 10 === 0) {
            looked += 1
            const middle = document.elementFromPoint(700, 500)
            if (!middle?.closest('.row')?.querySelector('[data-column=path]')?.textContent) blank += 1
          }
          requestAnimationFrame(frame)
        }
        requestAnimationFrame(frame)
      })
      const gaps = times.slice(1).map((time, at) => time - times[at])
      const sorted = gaps.toSorted((a, b) => a - b)
      return {
        frames: (gaps.length / (times.at(-1) - times[0])) * 1000,
        p95: sorted[Math.floor(sorted.length * 0.95)],
        worst: sorted.at(-1),
        blank: blank / looked,
      }
    },
    [seconds * 1000, step],
  )
  const { frames, p95, worst, blank } = result
  console.log(
    `scrolling, ${how}: ${frames.toFixed(1)} frames/s; 95 % within ${p95.toFixed(1)} ms, the longest ${worst.toFixed(0)} ms; rows not there yet in ${(blank * 100).toFixed(0)} % of frames`,
  )
}

/** Milliseconds from the input of a filter until the first rows of it are in the page, and until all flows were looked at. */
async function filters(page) {
  for (const [filter, count] of [
    ['~m POST', /POST/],
    ['~c 404', /404/],
    ['~d host-42.example.com', /host-42/],
    ['~u items/4999', /4999/],
    ['~u items/499999', /499999/],
    ['~t css', /css/],
    ['~src 50000 & ~c 404', /404/],
    ['~dst "host-7.example.*:443"', /host-7/],
    // Of these the flows themselves are read.
    ['~b Ada & ~c 404', /404/],
    ['~h image', /image/],
  ]) {
    const times = []
    const wholes = []
    for (let round = 0; round < rounds; round += 1) {
      await page.evaluate(() => history.pushState(null, '', '/flows'))
      await page.fill('#filter', '')
      await page.locator('.status', { hasText: `${flows.toLocaleString('en')} flows` }).waitFor()
      times.push(
        await page.evaluate(
          ([text, wanted]) =>
            new Promise((done) => {
              const input = document.querySelector('#filter')
              const rows = document.querySelector('.rows')
              const matches = new RegExp(wanted)
              const begun = performance.now()
              const look = () => {
                const first = rows.querySelector('.row')
                if (!first || !matches.test(first.textContent)) return
                const all = [...rows.querySelectorAll('.row')]
                if (!all.every((row) => matches.test(row.textContent))) return
                observer.disconnect()
                requestAnimationFrame(() => done(performance.now() - begun))
              }
              const observer = new MutationObserver(look)
              observer.observe(rows, { subtree: true, childList: true, characterData: true, attributes: true })
              input.focus()
              document.execCommand('selectAll')
              document.execCommand('insertText', false, text)
            }),
          [filter, count.source],
        ),
      )
      const begun = performance.now()
      await page.locator('.status progress').waitFor({ state: 'hidden' })
      wholes.push(times.at(-1) + performance.now() - begun)
    }
    console.log(
      `filter ${filter}: first rows after ${Math.round(median(times))} ms (${times.map(Math.round).join(', ')}), all after ${(median(wholes) / 1000).toFixed(1)} s`,
    )
  }
}

/** Sends requests through the proxy at a rate, over 64 connections; the answer is how many came back a second, and the proxy's CPU time. */
async function load({ child, port }, origin) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  let done = 0
  let sent = 0
  const one = () =>
    new Promise((resolve) => {
      const request = send({ host: '127.0.0.1', port, path: `${origin}/items/${sent}`, agent }, (response) => {
        response.resume().on('end', () => {
          done += 1
          resolve()
        })
      })
      request.on('error', resolve)
      request.end()
    })
  const begun = performance.now()
  const before = cpu(child)
  const running = new Set()
  while (performance.now() - begun < seconds * 1000) {
    const due = Math.floor(((performance.now() - begun) / 1000) * rate)
    for (; sent < due && running.size < 256; sent += 1) {
      const request = one().then(() => running.delete(request))
      running.add(request)
    }
    await new Promise((next) => setTimeout(next, 2))
  }
  await Promise.all(running)
  agent.destroy()
  return { each: ((cpu(child) - before) / done) * 1e6, done: done / ((performance.now() - begun) / 1000) }
}

async function whileLoaded() {
  const origin = createServer((_request, response) => response.end('x'.repeat(1024)))
  await once(origin.listen(0, '127.0.0.1'), 'listening')
  const proxy = await start(0)
  if (pinned) {
    spawnSync('taskset', ['-a', '-p', '-c', '0', `${proxy.child.pid}`])
    spawnSync('taskset', ['-a', '-p', '-c', '1', `${process.pid}`])
  }
  const url = `http://127.0.0.1:${origin.address().port}`
  await load(proxy, url)
  const ratios = []
  const all = { without: [], with: [] }
  for (let round = 0; round < rounds; round += 1) {
    const without = await load(proxy, url)
    const page = await open(proxy)
    await page.locator('.rows .row').first().waitFor()
    // What was recorded before is no part of what a flow costs.
    await page.locator('.status progress').waitFor({ state: 'hidden' })
    const frames = page.evaluate(
      (milliseconds) =>
        new Promise((done) => {
          let count = 0
          const begun = performance.now()
          const frame = () => {
            count += 1
            if (performance.now() - begun > milliseconds) done((count / (performance.now() - begun)) * 1000)
            else requestAnimationFrame(frame)
          }
          requestAnimationFrame(frame)
        }),
      seconds * 1000,
    )
    const withPage = await load(proxy, url)
    console.log(
      `round ${round + 1}: ${without.each.toFixed(0)} us a request at ${without.done.toFixed(0)}/s; with the page ${withPage.each.toFixed(0)} us at ${withPage.done.toFixed(0)}/s, ${(await frames).toFixed(0)} frames/s`,
    )
    await page.context().close()
    all.without.push(without.each)
    all.with.push(withPage.each)
    ratios.push(withPage.each / without.each)
  }
  const ratio = median(ratios)
  console.log(
    `at ${rate} requests/s: ${median(all.without).toFixed(0)} us of CPU a request, ${median(all.with).toFixed(0)} with the page: ${ratio.toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}), so ${((1 - 1 / ratio) * 100).toFixed(1)} % fewer requests a core`,
  )
  origin.closeAllConnections()
  origin.close()
}

try {
  if (['paint', 'scroll', 'filter'].some(does)) {
    const begun = Date.now()
    const proxy = await start(flows)
    proxy.child.send('recorded')
    const [{ flows: recorded, rss }] = await once(proxy.child, 'message')
    console.log(
      `${recorded} flows are recorded after ${((Date.now() - begun) / 1000).toFixed(0)} s; the proxy has ${Math.round(rss / 1e6)} MB`,
    )
    if (does('paint')) await paints(proxy, `${flows} flows`)
    if (does('scroll') || does('filter')) {
      const page = await open(proxy)
      await page.locator('.status', { hasText: `${flows.toLocaleString('en')} flows` }).waitFor()
      if (does('scroll')) {
        await scroll(page, '5 rows a frame', 120)
        await scroll(page, 'a page a frame', 800)
        await scroll(page, 'the bar, 1/100 of the list a frame', 160_000 * 0.75)
      }
      if (does('filter')) await filters(page)
    }
    proxy.child.disconnect()
  }
  if (does('load')) await whileLoaded()
} finally {
  await browser.close()
  for (const child of children) if (child.connected) child.disconnect()
  rmSync(folder, { recursive: true, force: true })
}
