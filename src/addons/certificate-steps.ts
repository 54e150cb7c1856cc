// The steps by which devices are made to trust the certificate, as plain parts: for pages that are not the onboarding page.
import { SECTIONS } from './onboarding-steps.js'

/** A text, or a text with a style. `strong`: a word on the screen. `code`: what is typed. */
export type StepPart = string | readonly ['strong' | 'code', string]

/** The steps for one kind of device. `{name}` stands for the certificate's common name. */
export interface CertificateSteps {
  /** `ios`, `android`, `windows`, `macos`, `linux`, `firefox`, `programs`. */
  readonly device: string
  readonly title: string
  /** The form of the certificate that suits the device best. */
  readonly file: 'pem' | 'cer' | 'p12'
  readonly steps: readonly (readonly StepPart[])[]
  /** True where each step is for another system or program, and only one is needed. */
  readonly apart: boolean
  readonly note: readonly StepPart[] | undefined
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' }

const plain = (html: string): string =>
  html.replace(/<[^>]*>/g, '').replace(/&(amp|lt|gt|quot);/g, (entity, name: string) => ENTITIES[name] ?? entity)

/** The most wanted devices come first. */
export const CERTIFICATE_STEPS: readonly CertificateSteps[] = SECTIONS.map(
  ({ id, title, file, steps, apart = false, note }) => {
    return {
      device: id,
      title,
      file,
      steps: steps.map(partsOf),
      apart,
      note: note === undefined ? undefined : partsOf(note),
    }
  },
)

/** The steps are HTML of our own, with these elements alone. */
function partsOf(html: string): StepPart[] {
  return html
    .split(/(<(?:b|code|pre)>.*?<\/(?:b|code|pre)>)/s)
    .filter((part) => part !== '')
    .map((part) => {
      const [, name, inner = ''] = /^<(b|code|pre)>(.*)<\/\1>$/s.exec(part) ?? []
      if (name === undefined) return plain(part)
      return [name === 'b' ? 'strong' : 'code', plain(inner)]
    })
}
