// The files of the page: how large they are, compressed, and that they name no other host.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import test from 'ava'

const folder = resolve('dist/web/app')
const tests = existsSync(folder) ? test : test.skip

const files = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(gz|br)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))

const MOST_BYTES = 200_000

/** Names of XML's kinds, which nothing is loaded from. */
const NAMESPACES = /^http:\/\/www\.w3\.org\//

/** Examples that people read, and our own page for devices. */
const EXAMPLES = /^https?:\/\/(127\.0\.0\.1|localhost|host|example\.(com|org)|[\w.]+\.example|mitm\.it)(?=[/:'"`<\s]|$)/

tests('they are at most 200 KB, compressed by gzip', (t) => {
  const sizes = files().map((file) => gzipSync(readFileSync(file)).length)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  t.log(`${total} bytes in ${sizes.length} files`)
  t.true(total <= MOST_BYTES, `${total} bytes`)
  t.true(sizes.length >= 3)
})

tests('they refer to no other host', (t) => {
  for (const file of files()) {
    const text = readFileSync(file, 'utf8')
    const urls = [...text.matchAll(/\b(?:https?|wss?):\/\/[^\s'"`)<>\\]+/g)].map(([url]) => url)
    const foreign = urls.filter((url) => !NAMESPACES.test(url) && !EXAMPLES.test(url) && !url.includes('${'))
    t.deepEqual(foreign, [], file)
    t.notRegex(text, /(?:src|href|url\()\s*=?\s*["']?\/\/\w/, file)
    t.notRegex(text, /sourceMappingURL|@import/, file)
  }
})

tests('nothing of the page is inline, where its policy lets nothing run', (t) => {
  t.notRegex(readFileSync(join(folder, 'index.html'), 'utf8'), /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/)
})

tests('the list has a script of its own, and what the first rows do not need is not in it', (t) => {
  const index = readFileSync(join(folder, 'index.html'), 'utf8')
  const named = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, name = '']) => name)
  t.is(named.length, 1)
  const size = (name: string) => gzipSync(readFileSync(join(folder, name))).length
  const scripts = files().filter((file) => file.endsWith('.js') && !file.includes('editor'))
  const all = scripts.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0)
  t.log(`${size(named[0] ?? '')} of ${all} bytes`)
  t.true(size(named[0] ?? '') <= all * 0.55)
})

tests('each file has its compressed forms beside it', (t) => {
  for (const file of files()) {
    t.deepEqual(brotliDecompressSync(readFileSync(`${file}.br`)), readFileSync(file), file)
    t.deepEqual(gunzipSync(readFileSync(`${file}.gz`)), readFileSync(file), file)
  }
})
