#include "kernels/cuda/conv2d.h"

#include <algorithm>
#include <set>

#include "kernels/cuda/ops.h"

namespace thaw::cuda {
namespace {

// All that a plan depends on: geometry, pitches, types, alignment of the pointers.
void describe(std::vector<std::int64_t>& key, const ConstView& v) {
  key.insert(key.end(),
             {v.n, v.h, v.w, v.c, v.pitch, static_cast<std::int64_t>(v.type), graph_tensor(0, v).alignment});
}

std::vector<std::int64_t> key_of(ConvolutionKind kind, const Conv2dSpec& s, const ConstView& x,
                                 const ConstView& y) {
  std::vector<std::int64_t> key{static_cast<std::int64_t>(kind),
                                s.in,
                                s.out,
                                s.kernel_h,
                                s.kernel_w,
                                s.stride,
                                s.padding,
                                s.dilation,
                                s.groups};
  describe(key, x);
  describe(key, y);
  return key;
}

void check_shapes(const char* op, const Conv2dSpec& s, const ConstView& x, const ConstView& y) {
  const bool fits = x.c == s.in && y.c == s.out && x.n == y.n && y.h == s.out_h(x.h) && y.w == s.out_w(x.w);
  if (!fits) throw Error(std::string(op) + ": the views do not have the shapes of the convolution");
  if (x.type != y.type) throw Error(std::string(op) + ": x and y have different types");
}

// A packed f32 copy of a view, or room for one.
class F32Copy {
 public:
  F32Copy(Pool& pool, const ConstView& v)
      : memory_(pool, static_cast<std::size_t>(v.elements()) * sizeof(float)), from_(v) {
    view_.data = memory_.data();
    view_.n = v.n;
    view_.h = v.h;
    view_.w = v.w;
    view_.c = view_.pitch = v.c;
  }
  const F32Copy& fill(const Queue& queue) const {
    copy(queue, from_, view_, Into::assign);
    return *this;
  }
  View view() const { return view_; }

 private:
  Temporary memory_;
  ConstView from_;
  View view_;
};

ConstView row_of(const Weights& weight, std::int64_t elements) {
  ConstView row;
  row.data = weight.data;
  row.type = weight.type;
  row.n = 1;
  row.c = row.pitch = elements;
  return row;
}

}  // namespace

Convolutions::Convolutions(const Queue& queue, Pool& pool, const BackendOptions& options, PlanFile file)
    : queue_(queue), pool_(pool), tf32_(options.tf32), engine_(options.cudnn_engine) {
  check(cudnnCreate(&handle_), "starting cuDNN");
  check(cudnnSetStream(handle_, queue.stream), "giving cuDNN its stream");
  if (options.cudnn_benchmark && !engine_) tuner_.emplace(queue, pool, handle_, std::move(file));
}

Convolutions::~Convolutions() {
  cudnnDestroy(handle_);
}

std::size_t Convolutions::plans() const {
  return static_cast<std::size_t>(std::count_if(plans_.begin(), plans_.end(),
                                                [](const auto& entry) { return entry.second.has_value(); }));
}

// Number engine_ of the proposals that differ.
Plan Convolutions::compile_numbered(const std::vector<Descriptor>& proposed, const Device& device,
                                    const char* op) const {
  const std::string engine = std::string(op) + ": engine number " + std::to_string(*engine_);
  std::set<std::string> seen;
  for (const Descriptor& configuration : proposed) {
    if (!seen.insert(tag_of(configuration)).second || seen.size() != *engine_ + 1) continue;
    std::string refusal;
    if (auto plan = Plan::compile(configuration, device, &refusal)) return std::move(*plan);
    throw NoSuchEngine(engine + " does not compile: " + refusal, false);
  }
  throw NoSuchEngine(engine + " of the " + std::to_string(seen.size()) + " that cuDNN proposes", true);
}

template <class Build>
bool Convolutions::try_run(Key key, DType type, const char* op, const Arguments& arguments, Build build,
                           std::string& refusal) {
  key.push_back(tf32_ ? 1 : 0);
  auto it = plans_.find(key);
  if (it == plans_.end()) {
    GraphBuilder builder;
    const Graph graph = build(builder);
    const Device device = device_of(handle_);
    const auto proposed = engine_configurations(graph, device, limits_for(type, tf32_), &refusal);
    std::optional<Plan> plan;
    if (engine_) plan = compile_numbered(proposed, device, op);
    if (tuner_) plan = tuner_->choose(key, proposed, device, arguments, refusal);
    for (auto next = proposed.begin(); !plan && next != proposed.end(); ++next)
      plan = Plan::compile(*next, device, &refusal);
    it = plans_.emplace(std::move(key), std::move(plan)).first;
  }
  if (!it->second) return false;
  const Temporary workspace(pool_, static_cast<std::size_t>(it->second->workspace_bytes()));
  check(it->second->execute(handle_, arguments, workspace.data()), op);
  return true;
}

template <class Build>
void Convolutions::run(Key key, DType type, const char* op, const Arguments& arguments, Build build) {
  std::string refusal;
  if (!try_run(std::move(key), type, op, arguments, build, refusal))
    throw Error(
        std::string(op) + ": cuDNN has no engine for it on this device" +
        (limits_for(type, tf32_).tensor_cores ? "" : " without tensor cores; allow TF32 or use bf16") +
        (refusal.empty() ? "" : "; cuDNN says: " + refusal));
}

// bf16 by way of packed f32 copies: exact, for f32 holds every bf16, but slow.
void Convolutions::forward_in_f32(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                                  ConstView residual, Activation activation, View y) {
  const F32Copy x32(pool_, x), w32(pool_, row_of(weight, spec.weight_elements())), y32(pool_, y);
  const F32Copy r32(pool_, residual);
  if (residual) r32.fill(queue_);
  forward(spec, x32.fill(queue_).view(), {w32.fill(queue_).view().data, DType::f32}, bias,
          residual ? ConstView(r32.view()) : ConstView(), activation, y32.view());
  copy(queue_, y32.view(), y, Into::assign);
}

void Convolutions::forward(const Conv2dSpec& spec, ConstView x, Weights weight, const float* bias,
                           ConstView residual, Activation activation, View y) {
  const char* op = "conv2d_forward";
  check_shapes(op, spec, x, y);
  Key key = key_of(ConvolutionKind::forward, spec, x, y);
  key.push_back(static_cast<std::int64_t>(activation));
  key.push_back(bias ? 1 : 0);
  if (residual) describe(key, residual);
  Arguments arguments{{uid_x, uid_w, uid_y}, {x.data, weight.data, y.data}};
  if (bias) {
    arguments.uids.push_back(uid_bias);
    arguments.pointers.push_back(bias);
  }
  if (residual) {
    arguments.uids.push_back(uid_residual);
    arguments.pointers.push_back(residual.data);
  }
  const auto build = [&](GraphBuilder& builder) {
    return forward_graph(builder, spec, x, weight.type, bias != nullptr, residual, activation, y);
  };
  const bool fused = bias || residual || activation != Activation::none;
  if (!fused || x.type != DType::bf16) return run(std::move(key), x.type, op, arguments, build);
  // cuDNN proposes none for some fused bf16 graphs (depthwise), and for others, at addresses or pitches of an
  // odd number of elements, only engines whose source does not compile (tests/simt/cudnn_answers.tsv).
  std::string refusal;
  if (!try_run(std::move(key), x.type, op, arguments, build, refusal))
    forward_in_f32(spec, x, weight, bias, residual, activation, y);
}

void Convolutions::backward_data(const Conv2dSpec& spec, ConstView dy, Weights weight, View dx) {
  check_shapes("conv2d_backward_data", spec, dx, dy);
  run(key_of(ConvolutionKind::data_gradient, spec, dx, dy), dy.type, "conv2d_backward_data",
      {{uid_x, uid_w, uid_y}, {dx.data, weight.data, dy.data}},
      [&](GraphBuilder& b) { return data_gradient_graph(b, spec, dx, weight.type, dy); });
}

void Convolutions::backward_weight(const Conv2dSpec& spec, ConstView x, ConstView dy, float* dweight,
                                   Into into) {
  check_shapes("conv2d_backward_weight", spec, x, dy);
  const auto compute = [&](void* to) {
    run(key_of(ConvolutionKind::weight_gradient, spec, x, dy), x.type, "conv2d_backward_weight",
        {{uid_x, uid_w, uid_y}, {x.data, to, dy.data}},
        [&](GraphBuilder& b) { return weight_gradient_graph(b, spec, x, dy); });
  };
  const bool direct =
      x.type == DType::f32 && into == Into::assign && reinterpret_cast<std::uintptr_t>(dweight) % 16 == 0;
  if (direct) return compute(dweight);

  View from;
  from.type = x.type;
  from.n = 1;
  from.c = from.pitch = spec.weight_elements();
  const Temporary gradient(pool_, static_cast<std::size_t>(from.c) * item_size(from.type));
  from.data = gradient.data();
  View to = from;
  to.type = DType::f32;
  to.data = dweight;
  compute(from.data);
  copy(queue_, from, to, into);
}

}  // namespace thaw::cuda
