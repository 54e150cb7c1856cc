// How a view is chosen, and what is shown where one fails or would not end.
import test from 'ava'
import { type View, Views } from '../../src/index.js'
import { plain, rendered, shown } from '../support/view.js'

const view = (parts: Partial<View>): View => ({ name: 'mine', priority: () => 1, render: () => 'mine', ...parts })

test('text is text, other bytes are a dump; a view may be asked for by name', (t) => {
  t.deepEqual(shown('a\r\nb\n\nc\n'), ['text', 'a\nb\n\nc'])
  t.deepEqual(shown(''), ['text', ''])
  const dump = `00000000  00 01 ff ${' '.repeat(39)} ...`
  t.deepEqual(shown(Buffer.from([0, 1, 255])), ['hex', dump])
  t.is(shown('{"a":1}', { view: 'text' })[1], '{"a":1}')
  t.regex(shown('abc', { view: 'hex' })[1], /^00000000 {2}61 62 63 .* abc$/)
  t.deepEqual(shown('abc', { view: 'txt' }), ['text', 'abc\n[there is no view "txt"]'])
})

test('text is read in its charset', (t) => {
  t.is(shown(Buffer.from('gr\xfcn', 'latin1'), { contentType: 'text/plain; charset=latin1' })[1], 'grün')
  t.is(shown(Buffer.from('\ufeffgrün', 'utf16le'))[1], 'grün')
})

test('the bounds: bytes of the content, lines', (t) => {
  const long = 'x\n'.repeat(1024 * 1024)
  t.is(rendered(long).lines.length, 200_000)
  const { lines, cut } = rendered(long, { lines: 3 })
  t.deepEqual([lines.length, cut], [3, true])
  t.deepEqual(rendered('a\nb', { lines: 3 }).cut, false)
  const [line = []] = rendered('y'.repeat(3 << 20)).lines
  t.is(line.join('').length, 1 << 20)
  const all = rendered('y'.repeat(3 << 20), { bytes: Number.POSITIVE_INFINITY })
  t.is(all.lines[0]?.join('').length, 3 << 20)
  const most = rendered('y'.repeat(17 << 20), { bytes: Number.POSITIVE_INFINITY })
  t.true(most.cut && (most.lines[0]?.join('').length ?? 0) === 16 << 20)
})

test("an addon's view: lines, a text, or the page; it goes as it came, and takes the place of one of the same name", (t) => {
  const views = new Views()
  const bytes = Buffer.from('{"a":1}')
  const remove = views.add([view({ name: 'json', render: () => [['two ', ['name', 'parts']], 'a\nb'] })])
  t.is(plain(views.render(bytes, { contentType: 'application/json' }).lines), 'two parts\na\nb')
  t.is(views.names.filter((name) => name === 'json').length, 1)
  const other = views.add([view({ render: (_, __, page) => page.field('Name', 'value') as undefined })])
  t.is(plain(views.render(bytes, { view: 'mine' }).lines), 'Name: value')
  remove()
  other()
  t.deepEqual(views.names, new Views().names)
  t.is(views.render(bytes).view, 'json')
})

test('a view that fails is named, with its addon, and the content is shown all the same', (t) => {
  const views = new Views()
  views.add(
    [
      view({
        render: () => {
          throw new Error('oh\nno')
        },
      }),
    ],
    'a.ts',
  )
  const { view: name, lines, note } = views.render(Buffer.from('text'))
  t.deepEqual([name, plain(lines), note], ['text', 'text', 'the view mine of addon a.ts has failed: oh'])
  const bad = new Views()
  bad.add(
    [
      view({
        priority: () => {
          throw null
        },
      }),
    ],
    'b.ts',
  )
  t.like(bad.render(Buffer.from('text')), { view: 'text', note: 'the view mine of addon b.ts has failed: null' })
  const odd = new Views()
  odd.add([view({ render: () => 7 as never }), view({ name: 'nan', priority: () => Number.NaN })])
  t.is(odd.render(Buffer.from([0])).view, 'hex')
})

test('what is no view is refused', (t) => {
  for (const wrong of [view({ name: 'auto' }), view({ name: 'A b' }), { name: 'x' }, null]) {
    t.throws(() => new Views().add([wrong as View], 'a.ts'), {
      code: 'ERR_ARGUMENT',
      message: /^addon a\.ts: a view has/,
    })
  }
  t.throws(() => new Views().check('jsn'), { code: 'ERR_OPTION', message: /did you mean json\?$/ })
  t.notThrows(() => new Views().check('auto'))
})

test('a view that writes without end is stopped', (t) => {
  const views = new Views()
  views.add([
    view({
      render: (_, __, page) => {
        for (;;) page.line('more')
      },
    }),
    view({
      name: 'idle',
      render: (_, __, page) => {
        for (;;) page.step()
      },
    }),
  ])
  t.like(views.render(Buffer.from('a')), { view: 'mine', cut: true })
  t.like(views.render(Buffer.from('a'), { view: 'idle' }), { cut: true, lines: [] })
})
