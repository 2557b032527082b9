// A workload model of your own with TensorFlow.js, such as users of the origin have: the
// 35 inputs, three dense layers, four outputs. It writes tf-1/model.json, its weights and
// tf-1.manifest.json into mld's folder.
//
//   npm install --prefix out/tfjs @tensorflow/tfjs@4.22.0
//   NODE_PATH=out/tfjs/node_modules node docs/examples/tfjs_workload.js out/models
//
// It learns to repeat the last reading of made-up agents; replace `agent` by your own.
'use strict';
const fs = require('fs');
const path = require('path');
const tf = require('@tensorflow/tfjs');

const HISTORY = 10;

// agent makes a random walk of ten readings and what came next, in the columns of fields/1
// (docs/models.md): cpu, memory in GiB, gpu, hour, weekday, current cpu, memory, gpu.
function agent() {
  const walk = (step, level) => {
    const h = [];
    for (let i = 0; i <= HISTORY; i++) h.push(level = Math.min(1, Math.max(0, level + step * (Math.random() - 0.5))));
    return h;
  };
  const cpu = walk(0.1, Math.random()), memory = walk(0.02, Math.random());
  const now = (h) => h.slice(0, HISTORY);
  return {
    x: [...now(cpu), ...now(memory), ...Array(HISTORY).fill(0), Math.random(), Math.random(), cpu[HISTORY - 1], memory[HISTORY - 1], 0],
    // The last output is the confidence: the chance of a cpu error of at most 0.05.
    y: [cpu[HISTORY], memory[HISTORY], 0, Math.abs(cpu[HISTORY] - cpu[HISTORY - 1]) <= 0.05 ? 1 : 0],
  };
}

async function main() {
  const folder = process.argv[2];
  const model = tf.sequential({ layers: [
    tf.layers.dense({ inputShape: [35], units: 32, activation: 'relu' }),
    tf.layers.dropout({ rate: 0.05 }),
    tf.layers.dense({ units: 16, activation: 'relu' }),
    tf.layers.dense({ units: 4, activation: 'sigmoid' }),
  ] });
  const data = Array.from({ length: 4000 }, agent);
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
  const fit = await model.fit(tf.tensor(data.map((a) => a.x)), tf.tensor(data.map((a) => a.y)), { epochs: 15, batchSize: 64, verbose: 0 });
  console.log('loss', fit.history.loss.at(-1));
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
    outputs: ['predicted_cpu', 'predicted_memory', 'predicted_gpu', 'confidence'],
    trained_on: 'made-up agents', terms: 'free',
  }, null, 1) + '\n');
}
main();
