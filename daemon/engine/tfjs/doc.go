// Package tfjs turns models of TensorFlow.js, LayersModels as model.json with weights
// beside it, into the ONNX that the engine runs. Users of the origin have such models:
// model.save('file://…') in Node writes them, tensorflowjs_converter makes them from
// Keras.
//
// What is understood: Sequential models, and functional ones that are a chain; the
// layers InputLayer, Dense, Activation, ReLU, LeakyReLU, ELU, Softmax, Dropout and its
// relatives (which do nothing when a model predicts), BatchNormalization and Flatten;
// the activations linear, relu, relu6, sigmoid, hard_sigmoid, tanh, elu, softmax,
// softplus and swish; weights as float32, or quantised to uint8 or uint16. Everything
// else is an error that names the layer. Files are not trusted: what they say about
// sizes is compared with the bytes there are before anything is allocated.
package tfjs
