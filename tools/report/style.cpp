#include "tools/report/style.h"

namespace thaw {

const char* page_style() {
  return R"css(
:root { --paper: #fff; --ink: #1c2430; --soft: #5b6675; --line: #d9dee6; --panel: #f5f7fa; --shade: rgb(28 36 48 / .28);
        --blue: #1f6fb2; --orange: #b3560a; --green: #25784a; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #14181e; --ink: #e6eaf0; --soft: #9aa6b5; --line: #333c48; --panel: #1c222b; --shade: rgb(190 205 225 / .3);
          --blue: #6db3ee; --orange: #f0a35e; --green: #6fcf97; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
       font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p, .notes { max-width: 45rem; }
.notes { padding-left: 1.2rem; overflow-wrap: anywhere; }
a { color: var(--blue); }
.soft { color: var(--soft); }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .75rem;
      overflow-x: auto; font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }

/* A box that scrolls has a shade on the side where there is more, and a bar that stays. */
.scroll { overflow-x: auto; margin: .5rem 0; background:
  linear-gradient(90deg, var(--paper) 40%, transparent) 0 0 / 2.5rem 100% no-repeat local,
  linear-gradient(270deg, var(--paper) 40%, transparent) 100% 0 / 2.5rem 100% no-repeat local,
  linear-gradient(90deg, var(--shade), transparent) 0 0 / .9rem 100% no-repeat scroll,
  linear-gradient(270deg, var(--shade), transparent) 100% 0 / .9rem 100% no-repeat scroll; }
.scroll::-webkit-scrollbar { height: .6rem; width: .6rem; }
.scroll::-webkit-scrollbar-track { background: var(--panel); border-radius: .3rem; }
.scroll::-webkit-scrollbar-thumb { background: var(--soft); border-radius: .3rem; }
.scroll:focus-visible { outline: 2px solid var(--blue); }
.tall { max-height: 26rem; overflow-y: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }

.card { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; margin: 1rem 0; padding: .75rem 1rem;
        background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; font-size: .9rem; }
.card dt { color: var(--soft); }
.card dd { margin: 0; overflow-wrap: anywhere; }

svg { display: block; width: 100%; max-width: 52rem; height: auto; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 4px; } svg .label { fill: var(--soft); }
svg .mark { stroke: var(--soft); stroke-dasharray: 4 4; }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--soft); }
svg .series1 { stroke: var(--blue); fill: var(--blue); } svg .series2 { stroke: var(--orange); fill: var(--orange); }
svg .series3 { stroke: var(--green); fill: var(--green); }
svg .curve { fill: none; stroke-width: 2; } svg .band { stroke: none; fill-opacity: .15; }
.charts { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
.charts h3 { margin: .5rem 0 0; } .charts svg { font-size: 16px; }
.square svg { max-width: 30rem; }

.bars td:last-child { min-width: 12rem; width: 100%; }
.bar { display: inline-block; height: .8rem; vertical-align: middle; }
.key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .35rem 0 .9rem; vertical-align: -.05rem; }
.split1 { background: var(--blue); } .split2 { background: var(--orange); } .split3 { background: var(--green); }

.confusion td { --share: 0; min-width: 3rem; }
.confusion .right { background: rgb(31 111 178 / calc(var(--share) * .5)); }
.confusion .wrong { background: rgb(209 105 20 / calc(var(--share) * .6)); }
.upright { writing-mode: vertical-rl; text-align: left; }
.cards { display: grid; gap: 1.25rem 1rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); }
.wide { grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }
figure { margin: 0; min-width: 0; overflow-wrap: anywhere; font-size: .875rem; line-height: 1.35; }
figure div { display: flex; gap: .25rem; margin-bottom: .35rem; }
figure img { flex: 1 1 0; min-width: 0; max-width: 8.5rem; height: auto; aspect-ratio: 1; object-fit: contain; image-rendering: pixelated;
             background: var(--panel); border: 1px solid var(--line); border-radius: .25rem; }
.wide img, .samples img, .single img { max-width: 6rem; } .wide img { max-width: 4.5rem; }
.single { grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: .75rem; }
@media (max-width: 40rem) { svg, .charts svg { font-size: 18px; } .square svg { font-size: 15px; } }

@media print {
  body { max-width: none; padding: 0; font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; background: none; } .tall { max-height: none; }
  table { font-size: 8pt; } th, td { padding: .15rem .35rem; white-space: normal; } td:first-child { white-space: nowrap; }
  .confusion td { min-width: 0; } .bars td:last-child { width: 60%; }
  h2, h3 { break-after: avoid; } figure, svg, tr, .card { break-inside: avoid; }
}
)css";
}

}  // namespace thaw
