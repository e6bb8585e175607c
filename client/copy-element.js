/** The field for a code is one file that the server serves as it is; the package has a copy of it. */

import { copyFileSync } from 'node:fs'

const at = (path) => new URL(path, import.meta.url)
copyFileSync(at('../src/http/pages/verify/countersign-code.js'), at('dist/element.js'))
copyFileSync(at('src/element.d.ts'), at('dist/element.d.ts'))
