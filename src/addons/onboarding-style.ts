// The style of the onboarding page, for browsers from about 2012 on: it has no variables, no grid, and each colour twice.

export const STYLE = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:#f4f5f7;color:#1c2430;font:16px/1.5 -apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,Ubuntu,"Helvetica Neue",Arial,sans-serif}
main{max-width:680px;margin:0 auto;padding:28px 16px 56px}
header{margin:0 4px 20px}
.mark{margin:0;font-size:14px;font-weight:600;letter-spacing:.02em;color:#5b6675}
.mark b{color:#0b6e5f}
h1{margin:4px 0 6px;font-size:28px;line-height:1.2;letter-spacing:-.01em}
header p{margin:0;color:#5b6675}
#trust{margin:0 0 20px;padding:12px 16px;border-radius:10px;background:#e6e9ee;color:#3a4554}
#trust.yes{background:#d5f2e3;color:#0c5132}
#trust.no{background:#fdeccc;color:#6b4300}
section,details{display:block;margin:0 0 12px;padding:4px 20px 12px;border:1px solid #dfe3e8;border-radius:12px;background:#fff}
summary{margin:0 -20px -12px;padding:14px 20px;cursor:pointer}
details{padding-top:0}
details[open]>summary{margin-bottom:0}
h2{display:inline;margin:0;font-size:18px;line-height:1.4}
section h2{display:block;margin:14px 0 12px}
.get{display:inline-block;margin:4px 0 8px;padding:11px 20px;border-radius:9px;background:#0b6e5f;color:#fff;font-weight:600;text-decoration:none}
.get:active{background:#095a4e}
.get:focus,summary:focus,a:focus{outline:3px solid #6cc7b8;outline-offset:2px}
.get small{font-weight:400;opacity:.85}
ol,ul{margin:8px 0;padding-left:24px}
li{margin:0 0 10px}
pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px}
pre{margin:6px 0 0;padding:10px 12px;border-radius:8px;background:#f0f2f5;white-space:pre-wrap;word-wrap:break-word;-webkit-user-select:all;user-select:all}
.note{margin:8px 0 6px;color:#5b6675;font-size:14px}
a{color:#0b6e5f}
footer{margin:24px 4px 0;color:#5b6675;font-size:14px}
footer code{word-wrap:break-word;word-break:break-all;font-size:12px}
@media (prefers-color-scheme:dark){
body{background:#12161c;color:#e4e8ee}
.mark,header p,.note,footer{color:#98a4b3}
.mark b,a{color:#5cc9b5}
#trust{background:#232a34;color:#c5cdd8}
#trust.yes{background:#123d2a;color:#a6ecc8}
#trust.no{background:#43310f;color:#f6d99b}
section,details{background:#1a2028;border-color:#2b333e}
pre{background:#12161c}
.get{background:#1f9682;color:#fff}
}
`
