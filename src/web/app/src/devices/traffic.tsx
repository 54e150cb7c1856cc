// The traffic of the last minute as two lines, and how fast it is now.
import { size } from '../shell/format.js'
import type { Rate } from './peers.js'

const WIDTH = 240
const HEIGHT = 32
/** A line that is lower than this is no more than the handshakes. */
const LEAST_SCALE = 1_000

function lineOf(values: readonly number[], most: number): string {
  const step = WIDTH / Math.max(1, values.length - 1)
  return values
    .map((value, at) => `${(at * step).toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 2)).toFixed(1)}`)
    .join(' ')
}

export function Traffic({ rates }: { rates: readonly Rate[] }) {
  const received = rates.map((rate) => rate.received)
  const sent = rates.map((rate) => rate.sent)
  const most = Math.max(LEAST_SCALE, ...received, ...sent)
  const [now] = rates.slice(-1)
  return (
    <div class="traffic">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <polyline class="sent" points={lineOf(sent, most)} />
        <polyline class="received" points={lineOf(received, most)} />
      </svg>
      <span title="Received from the device">↑ {size(Math.round(now?.received ?? 0))}/s</span>
      <span title="Sent to the device">↓ {size(Math.round(now?.sent ?? 0))}/s</span>
    </div>
  )
}
