// What a program in a namespace tells the test without being asked.

export function emit(event: string, value: unknown = undefined): void {
  process.send?.({ event, value })
}
