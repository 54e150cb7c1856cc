// Times of files, which are seconds, and those of records, which are milliseconds.

/** Milliseconds of seconds. A whole number of milliseconds stays one. */
export function milliseconds(seconds: number): number {
  const whole = Math.round(seconds * 1000)
  return whole / 1000 === seconds ? whole : seconds * 1000
}

/** The seconds that `milliseconds` makes these of, where there are such; else the nearest. */
export function seconds(time: number): number {
  const near = time / 1000
  const others = [near, near * (1 + Number.EPSILON), near * (1 - Number.EPSILON)]
  return others.find((one) => milliseconds(one) === time) ?? near
}
