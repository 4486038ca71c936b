#include "kernels/cuda/conv2d.h"

#include <algorithm>
#include <set>

#include "kernels/cuda/ops.h"
#include "kernels/cuda/space_to_depth.h"

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
    run(queue, Copy{.x = from_, .y = view_});
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
bool Convolutions::try_execute(Key key, DType type, const char* op, const Arguments& arguments, Build build,
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
void Convolutions::execute(Key key, DType type, const char* op, const Arguments& arguments, Build build) {
  std::string refusal;
  if (!try_execute(std::move(key), type, op, arguments, build, refusal)) refuse(type, op, refusal);
}

void Convolutions::refuse(DType type, const char* op, const std::string& refusal) const {
  throw Error(std::string(op) + ": cuDNN has no engine for it on this device" +
              (limits_for(type, tf32_).tensor_cores ? "" : " without tensor cores; allow TF32 or use bf16") +
              (refusal.empty() ? "" : "; cuDNN says: " + refusal));
}

void Convolutions::run_in_squares(const Conv2dForward& op) {
  const Squares s(op.spec, op.x, op.y);
  const Temporary x(pool_, static_cast<std::size_t>(s.input_elements()) * item_size(op.x.type)),
      weight(pool_, static_cast<std::size_t>(s.to.weight_bytes(op.x.type)));
  squares_of_input(queue_, op.name, s, op.x, x.data());
  squares_of_weights(queue_, op.name, s, op.weight.data, weight.data());
  Conv2dForward over = op;
  over.spec = s.to;
  over.x = s.input_view(x.data());
  over.weight.data = weight.data();
  run(over);
}

void Convolutions::run_in_squares(const Conv2dBackwardWeight& op) {
  const Squares s(op.spec, op.x, op.dy);
  const Temporary x(pool_, static_cast<std::size_t>(s.input_elements()) * item_size(op.x.type)),
      gradient(pool_, static_cast<std::size_t>(s.to.weight_bytes(op.x.type)));
  squares_of_input(queue_, op.name, s, op.x, x.data());
  weight_gradient(s.to, s.input_view(x.data()), op.dy, gradient.data());
  gradient_of_squares(queue_, op.name, s, gradient.data(), op.dweight, op.into);
}

// bf16 by way of packed f32 copies: exact, for f32 holds every bf16, but slow.
void Convolutions::run_in_f32(const Conv2dForward& op) {
  const F32Copy x32(pool_, op.x), w32(pool_, row_of(op.weight, op.spec.weight_elements())), y32(pool_, op.y);
  const F32Copy r32(pool_, op.residual);
  Conv2dForward wide = op;
  wide.x = x32.fill(queue_).view();
  wide.weight = {w32.fill(queue_).view().data, DType::f32};
  if (op.residual) wide.residual = r32.fill(queue_).view();
  wide.y = y32.view();
  run(wide);
  cuda::run(queue_, Copy{.x = y32.view(), .y = op.y});
}

// The convolution with its bias alone, and the rest in place.
void Convolutions::run_in_parts(const Conv2dForward& op) {
  Conv2dForward first = op;
  first.residual = {};
  first.activation = Activation::none;
  run(first);
  if (op.residual) cuda::run(queue_, Add{.a = op.y, .b = op.residual, .y = op.y});
  if (op.activation == Activation::relu) cuda::run(queue_, ReluForward{.x = op.y, .y = op.y});
}

void Convolutions::run(const Conv2dForward& op) {
  if (Squares::fit(op.spec, op.x.type)) return run_in_squares(op);
  Key key = key_of(ConvolutionKind::forward, op.spec, op.x, op.y);
  key.push_back(static_cast<std::int64_t>(op.activation));
  key.push_back(op.bias ? 1 : 0);
  if (op.residual) describe(key, op.residual);
  Arguments arguments{{uid_x, uid_w, uid_y}, {op.x.data, op.weight.data, op.y.data}};
  if (op.bias) {
    arguments.uids.push_back(uid_bias);
    arguments.pointers.push_back(op.bias);
  }
  if (op.residual) {
    arguments.uids.push_back(uid_residual);
    arguments.pointers.push_back(op.residual.data);
  }
  const auto build = [&](GraphBuilder& builder) {
    return forward_graph(builder, op.spec, op.x, op.weight.type, op.bias != nullptr, op.residual,
                         op.activation, op.y);
  };
  std::string refusal;
  if (try_execute(std::move(key), op.x.type, op.name, arguments, build, refusal)) return;
  const bool more = op.residual || op.activation != Activation::none;
  // cuDNN proposes none for some fused bf16 graphs (depthwise), and for others, at addresses or pitches of an
  // odd number of elements, only engines whose source does not compile (tests/simt/cudnn_answers.tsv).
  if (op.x.type == DType::bf16 && (more || op.bias)) return run_in_f32(op);
  // cuDNN 9.14 has no f32 engine that adds a residual, nor one with ReLU and no bias.
  if (more) return run_in_parts(op);
  refuse(op.x.type, op.name, refusal);
}

void Convolutions::run(const Conv2dBackwardData& op) {
  Key key = key_of(ConvolutionKind::data_gradient, op.spec, op.dx, op.dy);
  key.push_back(op.into == Into::add ? 1 : 0);
  Arguments arguments{{uid_x, uid_w, uid_y}, {op.dx.data, op.weight.data, op.dy.data}};
  if (op.into == Into::add)
    arguments.added_bytes = static_cast<std::size_t>(op.dx.pixels() * op.dx.pitch) * item_size(op.dx.type);
  execute(std::move(key), op.dy.type, op.name, arguments, [&](GraphBuilder& b) {
    return data_gradient_graph(b, op.spec, op.dx, op.weight.type, op.dy, op.into);
  });
}

// Of x's type.
void Convolutions::weight_gradient(const Conv2dSpec& spec, const ConstView& x, const ConstView& dy,
                                   void* to) {
  execute(key_of(ConvolutionKind::weight_gradient, spec, x, dy), x.type, Conv2dBackwardWeight::name,
          {{uid_x, uid_w, uid_y}, {x.data, to, dy.data}},
          [&](GraphBuilder& b) { return weight_gradient_graph(b, spec, x, dy); });
}

void Convolutions::run(const Conv2dBackwardWeight& op) {
  if (Squares::fit(op.spec, op.x.type)) return run_in_squares(op);
  const bool direct = op.x.type == DType::f32 && op.into == Into::assign &&
                      reinterpret_cast<std::uintptr_t>(op.dweight) % 16 == 0;
  if (direct) return weight_gradient(op.spec, op.x, op.dy, op.dweight);

  View from;
  from.type = op.x.type;
  from.n = 1;
  from.c = from.pitch = op.spec.weight_elements();
  const Temporary gradient(pool_, static_cast<std::size_t>(from.c) * item_size(from.type));
  from.data = gradient.data();
  View to = from;
  to.type = DType::f32;
  to.data = op.dweight;
  weight_gradient(op.spec, op.x, op.dy, from.data);
  cuda::run(queue_, Copy{.x = from, .y = to, .into = op.into});
}

}  // namespace thaw::cuda
