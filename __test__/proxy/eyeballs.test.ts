// Happy Eyeballs as a conversation: answers and failures in, attempts out, and the test moves the time.
import test from 'ava'
import { type Attempts, Eyeballs, type Family } from '../../src/proxy/eyeballs.js'

class Play implements Attempts {
  readonly eyeballs: Eyeballs
  #said: string[] = []
  #now = 0
  #due: number | undefined

  constructor(...asked: Family[]) {
    this.eyeballs = new Eyeballs(asked, this)
  }

  begin(address: string): void {
    this.#said.push(`try ${address}`)
  }

  delay(milliseconds: number | undefined): void {
    this.#due = milliseconds === undefined ? undefined : this.#now + milliseconds
  }

  exhausted(): void {
    this.#said.push('exhausted')
  }

  /** An answer for the family of its addresses, or for these families. */
  found(text: string, ...families: Family[]): this {
    const addresses = text
      .split(' ')
      .filter((address) => address !== '')
      .map((address) => ({ address, family: familyOf(address) }))
    const [first] = addresses
    this.eyeballs.found(families.length > 0 || !first ? families : [first.family], addresses)
    return this
  }

  failed(): this {
    this.eyeballs.failed()
    return this
  }

  after(milliseconds: number): this {
    const end = this.#now + milliseconds
    while (this.#due !== undefined && this.#due <= end) {
      this.#now = this.#due
      this.#due = undefined
      this.eyeballs.elapsed()
    }
    this.#now = end
    return this
  }

  /** The attempts since the last time. */
  get said(): string {
    const said = this.#said.join(', ')
    this.#said = []
    return said
  }
}

const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4)

test('IPv6 goes first, the families take turns, and 250 ms lie between attempts that are silent', (t) => {
  const play = new Play(4, 6)
  play.found('::1 ::2 ::3')
  t.is(play.said, 'try ::1')
  play.found('192.0.2.1 192.0.2.2')
  play.after(249)
  t.is(play.said, '')
  play.after(1)
  t.is(play.said, 'try 192.0.2.1')
  play.after(250)
  t.is(play.said, 'try ::2')
  play.after(500)
  t.is(play.said, 'try 192.0.2.2, try ::3')
  play.after(10_000)
  t.is(play.said, '')
  for (let failed = 0; failed < 4; failed += 1) play.failed()
  t.is(play.said, '')
  t.is(play.failed().said, 'exhausted')
})

test('IPv4 that is known first waits 50 ms for IPv6, and no longer', (t) => {
  const late = new Play(4, 6).found('192.0.2.1 192.0.2.2')
  t.is(late.after(49).said, '')
  t.is(late.after(1).said, 'try 192.0.2.1')
  // Addresses that come later take their turn.
  t.is(late.after(100).found('::1').said, '')
  t.is(late.after(149).said, '')
  t.is(late.after(1).said, 'try ::1')
  t.is(late.after(250).said, 'try 192.0.2.2')

  const inTime = new Play(4, 6).found('192.0.2.1')
  t.is(inTime.after(49).found('::1').said, 'try ::1')
  t.is(inTime.after(250).said, 'try 192.0.2.1')
})

test('where there is no IPv6 address, IPv4 does not wait for the delay', (t) => {
  t.is(new Play(4, 6).found('192.0.2.1').after(10).found('', 6).said, 'try 192.0.2.1')
  t.is(new Play(4, 6).found('', 6).found('192.0.2.1').said, 'try 192.0.2.1')
  t.is(new Play(4).found('192.0.2.1').said, 'try 192.0.2.1')
})

test('an attempt that fails is followed by the next at once, and the delay begins anew', (t) => {
  const play = new Play(4, 6).found('::1 ::2 192.0.2.1 192.0.2.2', 4, 6)
  t.is(play.after(200).failed().said, 'try ::1, try 192.0.2.1')
  t.is(play.after(249).said, '')
  t.is(play.after(1).said, 'try ::2')
  t.is(play.failed().said, 'try 192.0.2.2')
  play.after(1_000).failed()
  t.is(play.said, '')
  t.is(play.failed().said, 'exhausted')
})

test('where all that is known was tried, an answer that comes later is tried at once', (t) => {
  const silent = new Play(4, 6).found('::1')
  t.is(silent.after(300).found('192.0.2.1').said, 'try ::1, try 192.0.2.1')
  const failed = new Play(4, 6).found('::1').failed()
  t.is(failed.said, 'try ::1')
  t.is(failed.after(5_000).said, '')
  t.is(failed.found('192.0.2.1').said, 'try 192.0.2.1')
  t.is(failed.failed().said, 'exhausted')
  t.is(new Play(4, 6).found('::1').failed().found('', 4).said, 'try ::1, exhausted')
})

test("an answer for both families begins with the system's first choice", (t) => {
  const play = new Play(4, 6).found('192.0.2.1 192.0.2.2 ::1', 4, 6)
  t.is(play.after(500).said, 'try 192.0.2.1, try ::1, try 192.0.2.2')
})

test('without an address there is no attempt', (t) => {
  t.is(new Play(4, 6).found('', 6).said, '')
  t.is(new Play(4, 6).found('', 6).found('', 4).said, 'exhausted')
  t.is(new Play(4, 6).found('', 4, 6).said, 'exhausted')
})

test('an address is tried once, and sixteen of a family at most', (t) => {
  const twice = new Play(6).found('::1 ::1').failed()
  t.is(twice.said, 'try ::1, exhausted')
  const many = new Play(4).found(Array.from({ length: 300 }, (_, index) => `192.0.2.${index}`).join(' '))
  t.is(many.after(100_000).said.split(', ').length, 16)
})
