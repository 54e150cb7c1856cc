// A home folder for Chromium, whose NSS database holds the authorities that its user trusts.
import { mkdirSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './processes.js'

/** Makes a new home in the folder; with the certificate file, if one is given, as an authority. */
export function browserHome(folder: string, authority?: string): string {
  const home = mkdtempSync(join(folder, 'home-'))
  const database = join(home, '.pki', 'nssdb')
  mkdirSync(database, { recursive: true })
  const certutil = (...args: string[]) => must('certutil', ['-d', `sql:${database}`, ...args])
  certutil('-N', '--empty-password')
  if (authority) certutil('-A', '-n', 'midwire', '-t', 'C,,', '-i', authority)
  return home
}
