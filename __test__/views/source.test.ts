// CSS and JavaScript: what was squeezed into one line is broken into lines, the rest is shown as it is.
import test from 'ava'
import { block, rendered, shown } from '../support/view.js'

const css = { contentType: 'text/css; charset=utf-8' }
const js = { contentType: 'text/javascript' }

test('CSS: a declaration a line', (t) => {
  const text =
    '@import url(x;y);/* note */a,b>c{color:red;background:url(data:image/png;base64,A{}=)}@media (min-width:1px){d{e:"};"}}f{}'
  const expected = block(`
    @import url(x;y);
    /* note */
    a,b>c {
      color:red;
      background:url(data:image/png;base64,A{}=)
    }
    @media (min-width:1px) {
      d {
        e:"};"
      }
    }
    f {
    }
  `)
  t.deepEqual(shown(text, css), ['css', expected])
  const readable = 'a {\n    color: red;\n}\n'
  t.is(shown(readable, css)[1], readable.trimEnd())
})

test('JavaScript: a statement a line; strings, templates and regular expressions stay whole', (t) => {
  const text =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a script of its own
    'var a=1;function f(b,c){if(b){return/[/{]/g.test(c)}else{d=`x${{e:";"}}{`}for(;;){break}}f({g:1,h:[2,"}"]});// end'
  const expected = block(`
    var a=1;
    function f(b,c){
      if(b){
        return/[/{]/g.test(c)
      } else{
        d=\`x\${{e:";"}}{\`
      }
      for(;;){
        break
      }
    }
    f({
      g:1,
      h:[2,"}"]
    });
    // end
  `)
  t.deepEqual(shown(text, js), ['javascript', expected])
  const readable = 'if (a) {\n        b()\n}\n'
  t.is(shown(readable, js)[1], readable.trimEnd())
})

test('what has no end is shown to the end, and is read once', (t) => {
  for (const text of ['a{b:"c', 'a{b:url(', '/* a', '}}}', "a'\\"])
    t.is(shown(text, css)[1].replace(/\s/g, ''), text.replace(/\s/g, ''))
  for (const text of ['`${`', '"a', '/* a', '/[', '}}}', "'\\"])
    t.is(shown(text, js)[1].replace(/\s/g, ''), text.replace(/\s/g, ''))
  t.is(rendered(`x=/[${'('.repeat(1000)}`.repeat(500), js).view, 'javascript')
  for (const piece of ['/[', '`${', '{', '/*', '"', '(', '\\', '/ ']) {
    const { view, lines } = rendered(piece.repeat(500_000), { ...js, lines: 10_000 })
    t.is(view, 'javascript', piece)
    t.true(lines.length <= 10_000)
  }
})
