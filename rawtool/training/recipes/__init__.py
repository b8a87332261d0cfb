"""One file a model: data, network, loss, stages."""
