// The differences listed in docs/pytorch.md: PyTorch's names with another name here, or the reason why they are missing.

/** PyTorch's names with an equivalent here, as code. The room "*" stands for all. */
export interface Alias {
  readonly room: string;
  readonly names: string;
  readonly ours: string;
}

/** A group of names that have no counterpart, and the reason. */
export interface Group {
  readonly because: string;
  readonly rooms?: readonly string[];
  readonly names: RegExp;
}

const alias = (room: string, pairs: Readonly<Record<string, string>>): Alias[] =>
  Object.entries(pairs).map(([names, ours]) => ({ room, names, ours }));

export const aliases: readonly Alias[] = [
  ...alias("*", {
    absolute: "x.abs",
    arccos: "x.acos",
    arccosh: "x.acosh",
    arcsin: "x.asin",
    arcsinh: "x.asinh",
    arctan: "x.atan",
    arctan2: "x.atan2",
    arctanh: "x.atanh",
    adjoint: "x.mT",
    H: "x.T",
    mH: "x.mT",
    clip: "x.clamp",
    "clamp_max clamp_min": "x.clamp",
    conj: "x.clone",
    "conj_physical resolve_conj resolve_neg positive contiguous": "x.clone",
    "concat concatenate": "cat",
    "divide true_divide": "x.div",
    fix: "x.trunc",
    ger: "x.outer",
    greater: "x.gt",
    greater_equal: "x.ge",
    less: "x.lt",
    less_equal: "x.le",
    not_equal: "x.ne",
    moveaxis: "x.movedim",
    multiply: "x.mul",
    negative: "x.neg",
    sgn: "x.sign",
    subtract: "x.sub",
    "swapaxes swapdims": "x.transpose",
    "split_with_sizes unsafe_split unsafe_split_with_sizes": "x.split",
    unsafe_chunk: "x.chunk",
    narrow_copy: "x.narrow",
    argwhere: "x.nonzero",
    "int short char byte bool type": "x.to",
    numpy: "x.data",
    tolist: "x.toArray",
    size: "x.shape",
    nelement: "x.size",
    "dim ndimension": "x.rank",
    is_floating_point: "x.dtype",
    "requires_grad_ requires_grad": "x.requiresGrad",
    special_expit: "x.sigmoid",
    rsub: "x.sub",
    "detach_ detach": "x.detach",
  }),
  // In a separate module, so that pages without factorisations do not load them.
  ...alias("Tensor", {
    inverse: "linalg.inv",
    pinverse: "linalg.pinv",
    "det slogdet logdet cholesky cholesky_inverse cholesky_solve qr svd matrix_power": "linalg.*",
    triangular_solve: "linalg.solveTriangular",
  }),
  ...alias("linalg", { LinAlgError: "HebbError" }),
  ...alias("nn.functional", {
    logsigmoid: "nn.functional.logSigmoid",
    native_channel_shuffle: "nn.functional.channelShuffle",
  }),
  ...alias("torch", {
    "manual_seed seed": "seed",
    "initial_seed get_rng_state": "randomState",
    set_rng_state: "setRandomState",
    is_grad_enabled: "gradEnabled",
    "asarray as_tensor from_numpy scalar_tensor frombuffer": "tensor",
    range: "arange",
    "celu rrelu selu threshold prelu hardshrink dropout alpha_dropout feature_alpha_dropout pixel_shuffle pixel_unshuffle channel_shuffle embedding embedding_bag bilinear batch_norm layer_norm group_norm instance_norm rms_norm cosine_similarity pairwise_distance cdist":
      "nn.functional.*",
    feature_dropout: "nn.functional.dropout2d",
    "poisson_nll_loss kl_div hinge_embedding_loss margin_ranking_loss triplet_margin_loss cosine_embedding_loss binary_cross_entropy_with_logits":
      "nn.functional.*",
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d adaptive_avg_pool1d adaptive_max_pool1d avg_pool1d max_pool1d max_pool2d max_pool3d max_pool1d_with_indices":
      "nn.functional.*",
    constant_pad_nd: "nn.functional.pad",
    lstm: "nn.LSTM",
    lstm_cell: "nn.LSTMCell",
    gru: "nn.GRU",
    gru_cell: "nn.GRUCell",
    "rnn_tanh rnn_relu": "nn.RNN",
    "rnn_tanh_cell rnn_relu_cell": "nn.RNNCell",
    fill: "full",
    chain_matmul: "linalg.multiDot",
    "frobenius_norm nuclear_norm": "linalg.matrixNorm",
    "lstsq matrix_rank solve vander": "linalg.*",
    inverse: "linalg.inv",
    pinverse: "linalg.pinv",
    "det slogdet logdet cholesky cholesky_inverse cholesky_solve qr svd matrix_power": "linalg.*",
    triangular_solve: "linalg.solveTriangular",
    Tensor: "Tensor",
    "FloatTensor DoubleTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor": "tensor",
    native_dropout: "nn.functional.dropout",
    native_layer_norm: "nn.functional.layerNorm",
    native_group_norm: "nn.functional.groupNorm",
    native_batch_norm: "nn.functional.batchNorm",
    native_norm: "x.norm",
    native_channel_shuffle: "nn.functional.channelShuffle",
    set_printoptions: "x.toString",
    compile: "compile",
    Generator: "Generator",
  }),
  ...alias("torch", {
    affine_grid_generator: "nn.functional.affineGrid",
    "grid_sampler grid_sampler_2d grid_sampler_3d": "nn.functional.gridSample",
    ctc_loss: "nn.functional.ctcLoss",
    pdist: "nn.functional.pdist",
    "enable_grad set_grad_enabled": "noGrad",
  }),
  ...alias("optim.lr_scheduler", { LRScheduler: "optim.Schedule" }),
  ...alias("optim.swa_utils", { AveragedModel: "optim.WeightAverage" }),
  ...alias("nn.utils.rnn", { unpack_sequence: "nn.utils.unpadSequence" }),
  ...alias("func", { grad_and_value: "valueAndGrad" }),
  ...alias("autograd", {
    Function: "customGradient",
    Variable: "Tensor",
    backward: "x.backward",
    "enable_grad set_grad_enabled inference_mode": "noGrad",
    gradcheck: "gradCheck",
  }),
  ...alias("autograd.functional", { jacobian: "jacrev" }),
];

const dataStorage =
  "a tensor is an immutable value, wherever it is stored: there is no storage, layout or data pointer";
const devices =
  "a tensor is on a hebb device (useBackend, openDevice): there are no CUDA devices, streams or pinned memory";
const noComplex = "there are no complex numbers; hebb's fft has real and imaginary parts in a last dim of 2";

export const groups: readonly Group[] = [
  {
    because:
      "parameters in arrays, plain objects, Maps and Sets are registered directly: `weights = [new Parameter(…)]`",
    rooms: ["nn"],
    names: /^Parameter(List|Dict)$/,
  },
  {
    because: "LSTM, GRU and RNN take padded sequences with { lengths }; steps beyond the end have no effect",
    rooms: ["nn.utils.rnn"],
    names:
      /^(PackedSequence|pack_padded_sequence|pack_sequence|pad_packed_sequence|bind|copy_method_params|invert_permutation)$/,
  },
  {
    because: "EMA and SWA define how they average: optim.EMA, optim.SWA",
    rooms: ["optim.swa_utils"],
    names: /^get_/,
  },
  {
    because: "the compiler lays out memory, and modules are initialised lazily: nothing is computed until it is read",
    rooms: ["nn.utils"],
    names: /^(convert_conv.d_weight_memory_format|skip_init)$/,
  },
  {
    because:
      "a Hessian-vector product is a derivative of a gradient: `jvp(grad(f), [x], [v])`, or `vjp(grad(f), x)[1](v)`",
    rooms: ["autograd.functional"],
    names: /^(hvp|vhp)$/,
  },
  {
    because: "checkpoint each part of a model separately: checkpoint(part.forward, x)",
    rooms: ["utils.checkpoint"],
    names: /^checkpoint_sequential$/,
  },
  {
    because: "no function changes a tensor in place, so there is nothing to functionalize or unwrap",
    rooms: ["func"],
    names: /^(functionalize|debug_unwrap)$/,
  },
  {
    because: "removed from PyTorch; the name remains there only to report that",
    rooms: ["Tensor"],
    names: /^(lstsq|solve|eig|symeig)$/,
  },
  {
    because:
      "internal to PyTorch: it exchanges optimizer state with a functional transform; here an update already is a function",
    rooms: ["optim"],
    names: /^swap_in/,
  },
  {
    because:
      "it changes a tensor in place; values are immutable, so use the method without the underscore and keep the result",
    names: /[a-z0-9]_$/,
  },
  {
    because: "sparse tensors: every tensor is dense",
    names:
      /sparse|coalesce|^(sp|hs|ds|ss|s)(add|p)?mm$|^hspmm$|^sspaddmm$|^(crow|ccol|row|col)_|^to_dense$|^(dense|sparse)_dim$|^SparseAdam$|^sparse_|^smm$|^saddmm$|^(indices|values|to_mkldnn)$|(crow|col|ccol|row)_indices_copy$|^indices_copy$|values_copy/,
  },
  {
    because: "named dims are being removed from PyTorch too",
    names: /^(name|names|align_(as|to)|refine_names|rename|has_names|align_tensors)$/,
  },
  {
    because:
      "dtypes are float16, bfloat16, float32, float64, int32, int16, int8, uint8 and bool; other widths are converted on input",
    names:
      /^(long|c(float|double|half)|chalf|u?int(1|2|3|4|5|6|7|32|64)$|uint16|.*(Half|Long|BFloat16).*(Tensor|Storage)|(Char|Short)Storage)$/,
  },
  {
    because: noComplex,
    names: /complex|^(real|imag|angle|polar|view_as_real.*|isreal|is_conj|is_neg|istft|stft|eig|eigvals|ComplexType)$/,
  },
  {
    because: "there is no quantised tensor type; `quantization` quantises the layers of models",
    names:
      /quanti|^q_|qscheme|^(int_repr|dequantize|qint|quint|qparams)|fbgemm|fake_quant|^Q(U)?Int|moving_avg_obs|^(intrinsic|qat)$|^scaled_mm$|ScaledMM|^scaled_grouped_mm$|^grouped_mm$/,
  },
  {
    because: devices,
    names:
      /cuda|cudnn|miopen|mkldnn|vulkan|^(cpu|ipu|xpu|mtia|maia|xla|device|get_device|is_cpu|is_ipu|is_mps|is_meta|is_xla|is_xpu|is_maia|is_mtia|pin_memory|is_pinned|record_stream|is_shared|share_memory)$|device|Stream|^Event$|autocast_|_autocast|AcceleratorError|^(DataParallel|is_distributed)$|OutOfMemoryError/,
  },
  {
    because: dataStorage,
    names:
      /storage|Storage|data_ptr|stride$|^(layout|is_contiguous|data|set|is_set_to|element_size|itemsize|nbytes|has_names|untyped_storage|as_subclass|hash_tensor|module_load|is_coalesced|resize|resize_as|output_nr|is_inference|is_quantized|is_nested|to_padded_tensor|apply|map|map2|volatile|grad_dtype|slice_inverse|empty_permuted|from_file|frombuffer|memory_format|new_empty_strided|empty_strided|grad_fn|from_dlpack|to_dlpack|reinforce|new|nonzero_static|is_storage)$/,
  },
  {
    because: "values are immutable, so a copy and a view are the same, and _copy variants add nothing",
    rooms: ["torch"],
    names: /_copy$/,
  },
  {
    because:
      "hebb compiles whole functions with compile(); it has no counterpart to PyTorch's script language, graph format, symbolic sizes or dispatcher",
    rooms: ["torch"],
    names:
      /Type$|^(Script|Lite|JIT|Py|Serialization|Deserial|Function(Schema)?$|Graph|Gradient|Node|Block|Argument|AliasDb|Value|Use|Code|CallStack|Capsule|CompilationUnit|Complete|DeepCopy|Disable|Dispatch|Error|Exclude|Execution|Fatal|File|Future|IOD|Inferred|Locking|Logger|Noop|Operator|Static|Sym|Tag|Throughput|Tracing|Unif|Await|Aggregation|Benchmark|Generator[A-Z]|AVG|SUM|cpp$)|^sym_|import_ir|parse_|merge_type|unify_type|^(fork|wait|export|while_loop|cond|classproperty|typename|get_file_path|compiled_with|prepare_multi|profiler|thread_safe_generator|is_anomaly|set_anomaly|is_warn|set_warn|use_deterministic|are_determin|is_determin|set_determin|get_determin|init_num|has_|vitals|read_vitals|segment_reduce|torch_|_)|^(LoggerBase|ModuleDict|ParameterDict|BufferDict)$/,
  },
  {
    because: "parts of kernels that PyTorch exposes for internal use",
    rooms: ["torch"],
    names:
      /batch_norm_(backward|elemt|gather|stats|update)|choose_qparams|_grid_sampler|^(cudnn_|norm_except_dim|embedding_renorm|conv_tbc|rowwise_prune|native_|_cast)|conv_tbc/,
  },
  {
    because:
      "threads are an option of useBackend, and the dtype an option of each function; everything is deterministic",
    rooms: ["torch"],
    names:
      /^(get|set)_(num|default|float32|flush|printoptions|device)|set_default|get_default|inference_mode|is_inference_mode/,
  },
  { because: "hebb/formats reads and writes PyTorch's files", rooms: ["torch"], names: /^(load|save)$/ },
  {
    because: "history belongs to values, and hooks to modules (registerForwardHook, registerFullBackwardHook)",
    rooms: ["Tensor"],
    names: /^(register_hook|register_post_accumulate_grad_hook|retain_grad|retains_grad|is_leaf|requires_grad)$/,
  },
  {
    because: "these return LAPACK's packed forms; use linalg's qr, solve and inv",
    rooms: ["Tensor", "torch", "linalg"],
    names: /^(geqrf|orgqr|ormqr|lu|lu_solve|lu_unpack|ldl_.*|lu_factor.*|householder_product|lobpcg|symeig|.*_ex)$/,
  },
  {
    because: "lazy modules learn their sizes from the first input; here sizes are given",
    rooms: ["nn"],
    names: /^Lazy|^Uninitialized/,
  },
  {
    because: "old names that PyTorch keeps for backward compatibility",
    rooms: ["nn", "nn.functional"],
    names:
      /^(Container|NLLLoss2d|CrossMapLRN2d|UpsamplingBilinear2d|UpsamplingNearest2d|upsample|upsample_bilinear|upsample_nearest|RNNBase|RNNCellBase|Buffer|LinearCrossEntropyOptions|multi_head_attention_forward|conv_tbc)$/,
  },
  {
    because: "deprecated in PyTorch in favour of the in-place names with an underscore",
    rooms: ["nn.init"],
    names:
      /^(constant|dirac|eye|kaiming_normal|kaiming_uniform|normal|orthogonal|sparse|uniform|xavier_normal|xavier_uniform)$/,
  },
];
