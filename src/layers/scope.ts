// What tasks belong to: the client's connection, or one stream of it. A scope that ends is thrown into its own tasks, and into no others.
import type { Flow, Injection } from '../flow/flow.js'
import type { AnyChannel } from './channel.js'
import { type Gone, type Task, takeOut } from './task.js'

export class Scope {
  /** The channel whose loss ends the scope: the client's connection, or a stream that the client has opened. */
  readonly root: AnyChannel
  readonly parent: Scope | undefined
  /** Undefined where there was none yet: most scopes are streams, which have none. */
  #children: Set<Scope> | undefined
  readonly tasks: Task[] = []
  /** The flow that the scope is about. When it is killed, the scope ends. */
  subject: Flow | undefined
  /** Takes what the user sends in the name of one side; undefined where the protocol has no such thing. */
  inject: ((injection: Injection) => void) | undefined
  /** Why the scope is over. */
  gone: Gone | undefined
  /** A layer has closed or reset the root, so its loss interrupts no task. */
  leaving = false

  constructor(root: AnyChannel, parent?: Scope) {
    this.root = root
    this.parent = parent
    this.gone = parent?.gone
    root.scope = this
  }

  /** Begins within its parent, until its last task is done. */
  begin(): void {
    const { parent } = this
    if (!parent) return
    parent.#children ??= new Set()
    parent.#children.add(this)
  }

  private forget(child: Scope): void {
    this.#children?.delete(child)
  }

  /** The scope and all within it. */
  *all(): Generator<Scope> {
    yield this
    if (this.#children) for (const child of this.#children) yield* child.all()
  }

  /** The scope of a flow, among this one and those within it. */
  find(flow: Flow): Scope | undefined {
    for (const scope of this.all()) if (scope.subject === flow) return scope
    return undefined
  }

  /** Whether a task of the scope, or within it, waits for something with a clock of its own. */
  get hasClock(): boolean {
    for (const { tasks } of this.all()) if (tasks.some((task) => task.hasClock)) return true
    return false
  }

  /** A task is done. A scope without tasks is over. */
  left(task: Task): void {
    takeOut(this.tasks, task)
    if (this.tasks.length === 0) this.parent?.forget(this)
  }
}
