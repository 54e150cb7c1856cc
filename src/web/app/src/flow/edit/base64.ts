// Bytes as Base64.

export function base64Of(bytes: Uint8Array): string {
  const STEP = 0x8000
  let text = ''
  for (let at = 0; at < bytes.length; at += STEP) text += String.fromCharCode(...bytes.subarray(at, at + STEP))
  return btoa(text)
}
