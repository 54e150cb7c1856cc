// XML and HTML as they are shown, also where the markup is broken.
import test from 'ava'
import { block, rendered, shown } from '../support/view.js'

const html = { contentType: 'text/html' }

test('XML: a tag a line, short texts within their tags', (t) => {
  const text =
    '<?xml version="1.0"?><!-- c --><a x="1 > 0"><b>text</b><c/><d>\n  long <e f=\'g\'>  more\n words</e></d><![CDATA[<x>]]></a>'
  const expected = block(`
    <?xml version="1.0"?>
    <!-- c -->
    <a x="1 > 0">
      <b>text</b>
      <c/>
      <d>
        long
        <e f='g'>more words</e>
      </d>
      <![CDATA[<x>]]>
    </a>
  `)
  t.deepEqual(shown(text, { contentType: 'application/atom+xml' }), ['xml', expected])
  t.is(shown(text)[0], 'xml')
})

test('HTML: elements without an end, siblings that end each other, scripts as they are', (t) => {
  const text =
    '<!doctype html><html><head><meta charset=utf-8><script>\n  if (a < b) run()\n</script></head><body><ul><li>one<li>two <b>x</b></ul><br>end</body></html>'
  const expected = block(`
    <!doctype html>
    <html>
      <head>
        <meta charset=utf-8>
        <script>
            if (a < b) run()
        </script>
      </head>
      <body>
        <ul>
          <li>
            one
          <li>
            two
            <b>x</b>
        </ul>
        <br>
        end
      </body>
    </html>
  `)
  t.deepEqual(shown(text, html), ['xml', expected])
})

test('names and values of attributes have styles', (t) => {
  const [line = []] = rendered('<a href="x">', html).lines
  t.deepEqual(line, [['name', '<a'], ' href=', ['string', '"x"'], ['name', '>']])
})

test('broken markup is shown as far as it goes', (t) => {
  t.is(shown('</b><a></x></a>1 < 2<', html)[1], '</b>\n<a>\n  </x>\n</a>\n1\n< 2\n<')
  t.is(shown('<a b="c', html)[1], '<a b="c')
  t.is(shown('<a b=">x<b>', html)[1], '<a b=">\n  x\n  <b>')
  t.is(shown('<!-- no end', html)[1], '<!-- no end')
  t.is(shown('<script>var a', html)[1], '<script>\n  var a')
  t.is(shown('no tags', html)[0], 'xml')
})

test('many tags that do not end, and deep ones, are read once and stay within bounds', (t) => {
  t.is(rendered('<a '.repeat(300_000), html).lines.length, 1)
  t.is(rendered('<a ">" '.repeat(100_000), html).lines.length, 1)
  const { lines } = rendered(`${'<a>'.repeat(50_000)}${'</b>'.repeat(50_000)}`, html)
  t.is(lines.length, 100_000)
  t.true(lines.every((line) => line.length < 4 && String(line[0]).length <= 48))
  t.is(rendered(`<p>${' '.repeat(900_000)}x</p>`, html).lines.length, 3)
})
