// What the page remembers in this browser: columns, panes, how bodies are shown.
import { effect, type Signal, signal } from '@preact/signals'

/** A signal whose value outlives a reload. `isValue` refuses what another version has left. */
export function remembered<T>(name: string, initial: T, isValue: (value: unknown) => boolean): Signal<T> {
  const key = `midwire.${name}`
  const state = signal(read(key, initial, isValue))
  effect(() => {
    const text = JSON.stringify(state.value)
    try {
      localStorage.setItem(key, text)
    } catch {
      // Without storage it is forgotten, which is all.
    }
  })
  return state
}

function read<T>(key: string, initial: T, isValue: (value: unknown) => boolean): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    return value !== null && isValue(value) ? (value as T) : initial
  } catch {
    return initial
  }
}

export const oneOf =
  (...values: readonly string[]) =>
  (value: unknown) =>
    values.includes(value as string)
