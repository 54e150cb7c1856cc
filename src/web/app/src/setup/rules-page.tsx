// Rules: lists that change what passes, in their order, each switched off and on.
import { commandLine } from '../shell/command-line.js'
import { CommandView } from '../shell/command-view.js'
import { options } from '../shell/options.js'
import { MocksSection } from './mocks.js'
import { RULE_KINDS } from './rule-kinds.js'
import { RuleSection } from './rule-section.js'

export function RulesPage() {
  const isEmpty = RULE_KINDS.every(({ option }) => !(options.value.get(option)?.value as string[] | undefined)?.length)
  return (
    <>
      <h1>Rules</h1>
      <p class="faint">
        {isEmpty
          ? 'No rule yet: what passes is not changed. Fill in a line below, and it counts for all requests from then on.'
          : 'The first rule that matches counts, or all of them one after the other where they modify.'}
      </p>
      <MocksSection />
      {RULE_KINDS.map((kind) => (
        <RuleSection key={kind.option} kind={kind} />
      ))}
      <CommandView line={commandLine.value} />
    </>
  )
}
