// Compares secrets in a time that says nothing about them.
import { createHash, timingSafeEqual } from 'node:crypto'

export function same(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(first, second)
}
