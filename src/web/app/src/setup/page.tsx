// Set-up: the ways in, the way out, and the command line that sets up another midwire alike.
import { commandLine } from '../shell/command-line.js'
import { CommandView } from '../shell/command-view.js'
import { ModesSection } from './modes.js'
import { VIA } from './rule-kinds.js'
import { RuleSection } from './rule-section.js'

export function SetupPage() {
  return (
    <>
      <h1>Set-up</h1>
      <ModesSection />
      <RuleSection kind={VIA} />
      <CommandView line={commandLine.value} />
    </>
  )
}
