// A workload model of your own with TensorFlow.js, such as users of the origin have: the
// 35 inputs, three dense layers, four outputs. It writes tf-1/model.json, its weights and
// tf-1.manifest.json into mld's folder.
//
//   npm install --prefix out/tfjs @tensorflow/tfjs@4.22.0
//   NODE_PATH=out/tfjs/node_modules node docs/examples/tfjs_workload.js out/models
//
// It learns what made-up agents do that vary about a level; replace `agent` by your own. The
// network ends in sigmoids: it can say no more than 1, so memory is in shares of this machine's.
'use strict';
const fs = require('fs');
const os = require('os');
const path = require('path');
const tf = require('@tensorflow/tfjs');

const HISTORY = 10;

// agent makes ten readings and what came next, in the columns of fields/1 (docs/models.md):
// cpu, memory, gpu, hour, weekday, current cpu, memory, gpu.
function agent() {
  const series = () => {
    const level = Math.random();
    return Array.from({ length: HISTORY + 1 }, () => Math.min(1, Math.max(0, level + 0.2 * (Math.random() - 0.5))));
  };
  const cpu = series(), memory = series(), last = HISTORY - 1;
  const now = (h) => h.slice(0, HISTORY);
  const mean = now(cpu).reduce((a, b) => a + b) / HISTORY;
  return {
    x: [...now(cpu), ...now(memory), ...Array(HISTORY).fill(0), Math.random(), Math.random(), cpu[last], memory[last], 0],
    // The last output is the confidence: the chance of a cpu error of at most 0.05.
    y: [cpu[HISTORY], memory[HISTORY], 0, Math.abs(cpu[HISTORY] - mean) <= 0.05 ? 1 : 0],
  };
}

// errors are the mean errors of cpu and memory over agents that were not fitted.
function errors(agents, said) {
  return [0, 1].map((k) => (agents.reduce((sum, a, i) => sum + Math.abs(said(a, i)[k] - a.y[k]), 0) / agents.length).toFixed(4));
}

async function main() {
  const folder = process.argv[2];
  const model = tf.sequential({ layers: [
    tf.layers.dense({ inputShape: [35], units: 32, activation: 'relu' }),
    tf.layers.dropout({ rate: 0.05 }),
    tf.layers.dense({ units: 16, activation: 'relu' }),
    tf.layers.dense({ units: 4, activation: 'sigmoid' }),
  ] });
  const data = Array.from({ length: 8000 }, agent), others = Array.from({ length: 1000 }, agent);
  model.compile({ optimizer: tf.train.adam(0.003), loss: 'meanSquaredError' });
  await model.fit(tf.tensor(data.map((a) => a.x)), tf.tensor(data.map((a) => a.y)), { epochs: 30, batchSize: 64, verbose: 0 });
  const answers = model.predict(tf.tensor(others.map((a) => a.x))).arraySync();
  const errs = errors(others, (a, i) => answers[i]), last = errors(others, (a) => a.x.slice(32));
  ['cpu', 'memory'].forEach((name, k) => console.log(`${name}: error ${errs[k]}, of the last value ${last[k]}`));
  await model.save(tf.io.withSaveHandler(async (a) => {
    fs.mkdirSync(path.join(folder, 'tf-1'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'tf-1', 'weights.bin'), Buffer.from(a.weightData));
    fs.writeFileSync(path.join(folder, 'tf-1', 'model.json'), JSON.stringify({
      format: 'layers-model', modelTopology: a.modelTopology,
      weightsManifest: [{ paths: ['weights.bin'], weights: a.weightSpecs }],
    }));
    return { modelArtifactsInfo: {} };
  })); // with tfjs-node: model.save('file://' + folder + '/tf-1')
  fs.writeFileSync(path.join(folder, 'tf-1.manifest.json'), JSON.stringify({
    predictor: 'workload', name: 'tf', version: '1', file: 'tf-1/model.json', features: 'fields/1',
    outputs: ['predicted_cpu', 'predicted_memory', 'predicted_gpu', 'confidence'], memory_unit: os.totalmem(),
    trained_on: 'made-up agents', terms: 'free',
  }, null, 1) + '\n');
}
main();
