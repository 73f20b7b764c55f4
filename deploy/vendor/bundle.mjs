// Called by deploy/vendor.sh inside a temporary folder that holds node_modules.
// Usage: node bundle.mjs OUT_DIR
import { build } from 'esbuild';
import { createRequire } from 'node:module';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const TRACES = ['bar', 'box', 'choropleth', 'heatmap', 'treemap', 'waterfall']; // scatter is part of the core
const TOPOJSON = ['world_110m'];
const LAYERS = ['countries', 'land'];

const out = process.argv[2];
const require = createRequire(import.meta.url);
const plotlyDir = dirname(require.resolve('plotly.js/package.json'));
const plotly = JSON.parse(readFileSync(join(plotlyDir, 'package.json'), 'utf8'));
const bootstrapDir = dirname(require.resolve('bootstrap/package.json'));
mkdirSync(join(out, 'topojson'), { recursive: true });

// plotly.js documents each attribute with `description: '...'` or `description: ['...', '...'].join(' ')`. Only its
// schema export reads them, and upstream's own bundles are without them too: drop those made of plain literals.
const STR = String.raw`(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")`;
const JOINED = String.raw`\[\s*${STR}(?:\s*,\s*${STR})*\s*,?\s*\]\s*\.join\(\s*${STR}\s*\)`;
const ADDED = String.raw`${STR}(?:\s*\+\s*${STR})*`;
const DESCRIPTION = new RegExp(String.raw`(?<=[{,]\s*)description:\s*(?:${JOINED}|${ADDED})\s*(?:,|(?=\}))`, 'g');
const withoutDescriptions = {
    name: 'without-descriptions',
    setup(b) {
        b.onLoad({ filter: /[\\/]plotly\.js[\\/]src[\\/].*\.js$/ }, ({ path }) => ({
            contents: readFileSync(path, 'utf8').replace(DESCRIPTION, ''),
            loader: 'js'
        }));
    }
};

// 1. plotly.js: the core plus the traces above, as one classic script that sets window.Plotly.
const { metafile } = await build({
    stdin: {
        contents: `
            const Plotly = require('plotly.js/lib/core');
            Plotly.register([${TRACES.map((t) => `require('plotly.js/lib/${t}')`)}]);
            module.exports = Plotly;`,
        resolveDir: process.cwd()
    },
    outfile: join(out, 'plotly.min.js'),
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'Plotly',
    target: 'es2016', // as upstream
    charset: 'ascii',
    legalComments: 'none', // the full texts go to plotly.min.js.LICENSES.txt
    define: { global: 'window', 'define.amd': 'false' }, // as upstream
    banner: {
        // Read in one go beside the page: compiling each function at its first call takes the page 0.15 s more.
        js: `//# allFunctionsCalledOnLoad\n/* plotly.js v${plotly.version} (MIT), custom bundle: scatter,${TRACES}. Licences: plotly.min.js.LICENSES.txt */`
    },
    loader: { '.css': 'empty' }, // registry.js names maplibre's CSS; we have no map traces
    plugins: [withoutDescriptions],
    metafile: true,
    logLevel: 'warning'
});

// Strict CSP: stop when a library slips in that makes functions at run time or draws with WebGL.
const inputs = Object.entries(Object.values(metafile.outputs)[0].inputs).filter(([, v]) => v.bytesInOutput).map(([f]) => f);
const code = readFileSync(join(out, 'plotly.min.js'), 'utf8');
if (/\beval\(|\bnew Function\b|\bFunction\(["'`]/.test(code)) throw new Error('bundle makes code at run time');
const heavy = inputs.filter((f) => /node_modules\/(maplibre-gl|@plotly\/regl|regl-|gl-text)\b.*js$/.test(f));
if (heavy.length) throw new Error(`bundle holds ${heavy}`);

// 2. Licence texts of every package that has code in the bundle.
const names = new Set();
for (const f of inputs.filter((f) => !f.endsWith('.css'))) {
    const m = f.match(/^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (m) names.add(f.slice(0, f.indexOf(m[1], f.lastIndexOf('node_modules/')) + m[1].length));
}
const texts = [...names].sort().map((dir) => {
    const pkg = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
    const files = readdirSync(dir).filter((f) => /^(licen[cs]e|copying)/i.test(f)).sort();
    const text = files.map((f) => readFileSync(join(dir, f), 'utf8').replace(/\r\n/g, '\n').trim()).join('\n\n');
    return `${'='.repeat(78)}\n${pkg.name} ${pkg.version} (${pkg.license ?? 'see text'})\n${'='.repeat(78)}\n${text || `(no licence text in the package; author: ${pkg.author?.name ?? pkg.author ?? 'unknown'})`}\n`;
});
writeFileSync(join(out, 'plotly.min.js.LICENSES.txt'), `Packages with code in plotly.min.js\n\n${texts.join('\n')}`);

// 3. Topojson: the npm package has it inside dist/plotly-geo-assets.js, next to the version it belongs to.
globalThis.window = {}; // that script is written for a browser
const assets = require('plotly.js/dist/plotly-geo-assets.js');
if (assets.version !== plotly.version) throw new Error(`geo assets are of ${assets.version}`);
// Without the layers that no map of ours draws, and the arcs that only they have.
function drawn({ objects, arcs, ...more }) {
    const kept = Object.fromEntries(LAYERS.map((name) => [name, structuredClone(objects[name])]));
    const places = new Map();
    const place = (arc) => {
        const own = arc < 0 ? ~arc : arc;
        if (!places.has(own)) places.set(own, places.size);
        return arc < 0 ? ~places.get(own) : places.get(own);
    };
    const moved = (found) => (Array.isArray(found) ? found.map(moved) : place(found));
    for (const { geometries } of Object.values(kept)) {
        for (const each of geometries) if (each.arcs) each.arcs = moved(each.arcs);
    }
    return { ...more, objects: kept, arcs: [...places.keys()].map((own) => arcs[own]) };
}
for (const name of TOPOJSON) {
    writeFileSync(join(out, 'topojson', `${name}.json`), JSON.stringify(drawn(assets.topojson[name])));
}

// 4. Bootstrap, unchanged.
copyFileSync(join(bootstrapDir, 'dist/css/bootstrap.min.css'), join(out, 'bootstrap.min.css'));
copyFileSync(join(bootstrapDir, 'LICENSE'), join(out, 'bootstrap.min.css.LICENSE.txt'));
