// A segment whose flow is written as flows were before their numbers stood by themselves: it is read as it was.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { snapshot } from '../../src/flow/snapshot.js'
import { StoreReader } from '../../src/store/reader.js'
import { httpFlow } from '../support/flows.js'
import { all, folder } from '../support/store.js'

/** The file as midwire wrote it then, in base64. */
const SEGMENT = [
  'bXdmMakCAAAAAAAAGseXnAAAAAAAQI9AAAAAAAAAJkAAAAAAAIBBQAAAAABV0dFClRbIvYTiskTIAAAAAAAAAE4CAAAEAAAAAAAAAAIAAAACAAAABQAAAAYA',
  'AABoAGZsb3cAeyJpZCI6ImNsaWVudCIsInRyYW5zcG9ydCI6InRjcCIsIm1vZGUiOiJ3aXJlZ3VhcmQiLCJleHBsaWNpdCI6ZmFsc2UsInJlbW90ZSI6eyJh',
  'ZGRyZXNzIjoiMTAuMC4wLjEiLCJwb3J0Ijo1MTIzNCwiZmFtaWx5Ijo0fSwibG9jYWwiOnsiYWRkcmVzcyI6IjkzLjE4NC4yMTYuMzQiLCJwb3J0Ijo0NDMs',
  'ImZhbWlseSI6NH0sInBlZXIiOnsicHVibGljS2V5Ijoia2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2trayIsIm5hbWUiOiJwaG9u',
  'ZSJ9fQB7ImlkIjoic2VydmVyIiwidHJhbnNwb3J0IjoidGNwIiwiaG9zdCI6IjkzLjE4NC4yMTYuMzQiLCJwb3J0Ijo0NDMsInJlbW90ZSI6eyJhZGRyZXNz',
  'IjoiOTMuMTg0LjIxNi4zNCIsInBvcnQiOjQ0MywiZmFtaWx5Ijo0fSwidGxzIjp7InNuaSI6ImV4YW1wbGUuY29tIiwiYWxwbiI6ImgyIiwiY2VydGlmaWNh',
  'dGVzIjpbMCwxXX19ADEwMDAAMzUAAAAAY2Fmw6kg4piVAABHRVQALwBodHRwcwA5My4xODQuMjE2LjM0ADQ0MwAAAQABAAAxLjEAMAAxLjUANQAyADIASG9z',
  'dABleGFtcGxlLmNvbQAyMDAAT0sAMS4xADEwAAA2ADMAWC1PZGQAIsO/w6kiAHgtb2RkAAEC/wBhc2tlZGhlbGxvCg==',
].join('')

test('a flow that was recorded in the old form is read as it was', async (t) => {
  const path = folder(t)
  writeFileSync(join(path, '00000001.log'), Buffer.from(SEGMENT, 'base64'))
  const [flow] = await all(new StoreReader(path).flows(), (one) => one)
  const was = httpFlow({ requestBody: 'asked', responseHeaders: ['X-Odd', '"\xff\xe9"', 'x-odd', ''] })
  const tls = { sni: 'example.com', alpn: 'h2', certificates: [Buffer.from([1, 2]), Buffer.from([0xff, 0])] }
  if (was.server) was.server = { ...was.server, tls }
  was.request.absolute = ''
  was.request.endedAt = 1001.5
  was.comment = 'caf\u00e9 \u2615'
  if (!flow) throw new Error('no flow')
  t.deepEqual(JSON.parse(JSON.stringify(snapshot(flow))), JSON.parse(JSON.stringify(snapshot(was))))
})
