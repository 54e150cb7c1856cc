// The steps to trust the certificate, with its name in them.
import { CERTIFICATE_STEPS, type CertificateSteps } from '../../index.js'

type Part = string | ['strong' | 'code', string]

export function stepsOf(name: string) {
  const named = (text: string) => text.replaceAll('{name}', name)
  const sentence = (parts: CertificateSteps['steps'][number]): Part[] =>
    parts.map((part) => (typeof part === 'string' ? named(part) : [part[0], named(part[1])]))
  return CERTIFICATE_STEPS.map(({ device, title, file, steps, apart, note }) => {
    return { device, title, file, apart, steps: steps.map(sentence), note: note && sentence(note) }
  })
}
