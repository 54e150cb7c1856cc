// One flow beside the table.
export function FlowPane({ id, onClose }: { id: string; onClose: () => void }) {
  return (
    <section class="pane" aria-label="Flow">
      <button type="button" class="icon" aria-label="Close" onClick={onClose}>
        ×
      </button>
      {id}
    </section>
  )
}
