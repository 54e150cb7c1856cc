// Counts what a test runner says of itself, line by line, so that many runners end in one sum.

/** A failed assertion may print all of two long values. */
const MAX_REPORT_LINES = 25

export class Tally {
  passed = 0
  failed = 0
  skipped = 0
  /** What the runner said of each failed test: its name, and below it why. */
  reports = []

  add({ passed, failed, skipped, reports = [] }) {
    this.passed += passed
    this.failed += failed
    this.skipped += skipped
    this.reports.push(...reports)
  }

  /** The closing line; CI reads it. */
  toString() {
    return `${this.passed} passed, ${this.failed} failed${this.skipped ? `, ${this.skipped} skipped` : ''}`
  }
}

/** cargo test: one line of sums for each test program. */
export class CargoTally extends Tally {
  line(text) {
    if (/^test .* FAILED$/.test(text)) this.reports.push([text])
    const sums = text.match(/^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored;/)
    if (sums) this.add({ passed: Number(sums[1]), failed: Number(sums[2]), skipped: Number(sums[3]) })
  }
}

/** TAP, as ava writes it: one line a test, what it logged below. */
export class TapTally extends Tally {
  #passing = false
  #report = []

  line(text) {
    const result = text.match(/^(not )?ok \d+(.*)$/)
    if (!result && this.#report.length > 0 && this.#report.length < MAX_REPORT_LINES) this.#report.push(text)
    if (result) {
      this.#report = []
      const skipped = / # (SKIP|TODO)\b/.test(result[2])
      this.#passing = !result[1] && !skipped
      if (skipped) this.skipped += 1
      else if (result[1]) this.#failed(text)
      else this.passed += 1
    } else if (this.#passing && /^# +skipped: /.test(text)) {
      // A test that found only when it ran that it cannot, and logged why.
      this.#passing = false
      this.passed -= 1
      this.skipped += 1
    }
  }

  #failed(text) {
    this.failed += 1
    this.#report = [text]
    this.reports.push(this.#report)
  }
}
