// Counts what a test runner says of itself, line by line, so that many runners end in one sum.

export class Tally {
  passed = 0
  failed = 0
  skipped = 0

  add({ passed, failed, skipped }) {
    this.passed += passed
    this.failed += failed
    this.skipped += skipped
  }

  /** The closing line; CI reads it. */
  toString() {
    return `${this.passed} passed, ${this.failed} failed${this.skipped ? `, ${this.skipped} skipped` : ''}`
  }
}

/** cargo test: one line of sums for each test program. */
export class CargoTally extends Tally {
  line(text) {
    const sums = text.match(/^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored;/)
    if (sums) this.add({ passed: Number(sums[1]), failed: Number(sums[2]), skipped: Number(sums[3]) })
  }
}

/** TAP, as ava writes it: one line a test, what it logged below. */
export class TapTally extends Tally {
  #passing = false

  line(text) {
    const result = text.match(/^(not )?ok \d+(.*)$/)
    if (result) {
      const skipped = / # (SKIP|TODO)\b/.test(result[2])
      this.#passing = !result[1] && !skipped
      if (skipped) this.skipped += 1
      else if (result[1]) this.failed += 1
      else this.passed += 1
    } else if (this.#passing && /^# +skipped: /.test(text)) {
      // A test that found only when it ran that it cannot, and logged why.
      this.#passing = false
      this.passed -= 1
      this.skipped += 1
    }
  }
}
