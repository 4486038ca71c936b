#include "io/pth/tensor.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "io/file/checked.h"
#include "io/file/text.h"

namespace thaw {
namespace {

struct PthView {
  const PthStorage* storage = nullptr;
  std::int64_t offset = 0;  // in elements
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
};

class ViewReader {
 public:
  ViewReader(const Pickle& pickle, const PthStorages& storages, std::string shown)
      : pickle_(pickle), storages_(storages), shown_(std::move(shown)) {}

  PthView read(ValueId id) const {
    const PickleValue& call = pickle_.at(unwrap_parameter(id));
    const auto argument = [&](std::size_t i) -> const PickleValue& { return pickle_.at(call.items[i]); };
    const bool old = pickle_.calls(call, "torch._utils._rebuild_tensor");
    const bool v2 = pickle_.calls(call, "torch._utils._rebuild_tensor_v2");
    if (!old && !v2)
      refuse("is built by " + printable(function_name(call)) +
             ", which Thaw does not read (sparse, "
             "quantised, meta or wrapped); save a plain float tensor");
    const std::size_t size = call.items.size();
    if (old ? size != 4 : size != 6 && size != 7) refuse("has the wrong number of arguments");
    if (argument(0).kind != PickleKind::persistent || argument(1).kind != PickleKind::integer)
      refuse("has no storage or no offset");
    if (v2 && (argument(4).kind != PickleKind::boolean || !is_hooks(argument(5))))
      refuse("has arguments of the wrong type");
    PthView view;
    PthStorage named;
    view.storage = &storages_.find(read_storage_id(pickle_, argument(0), named, shown_))->second;
    view.offset = argument(1).number;
    view.sizes = extents(argument(2));
    view.strides = extents(argument(3));
    check_view(view);
    return view;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw Error(shown_ + " " + what); }

  std::string_view function_name(const PickleValue& call) const { return pickle_.at(call.function).text; }

  bool is_hooks(const PickleValue& value) const {
    return value.kind == PickleKind::dict || value.kind == PickleKind::none;
  }

  // A Parameter is a tensor and two flags; a Parameter of a Parameter is never written.
  ValueId unwrap_parameter(ValueId id) const {
    const PickleValue& call = pickle_.at(id);
    const bool plain = pickle_.calls(call, "torch._utils._rebuild_parameter");
    const bool with_state = pickle_.calls(call, "torch._utils._rebuild_parameter_with_state");
    if (!plain && !with_state) return id;
    if (call.items.size() != (plain ? 3u : 4u) || pickle_.at(call.items[0]).kind != PickleKind::call)
      refuse("is a Parameter with wrong arguments");
    return call.items[0];
  }

  std::vector<std::int64_t> extents(const PickleValue& value) const {
    const PickleValue* tuple = &value;
    if (pickle_.calls(value, "torch.Size") && value.items.size() == 1) tuple = &pickle_.at(value.items[0]);
    if (tuple->kind != PickleKind::tuple) refuse("has a shape or strides that are no tuple");
    std::vector<std::int64_t> out;
    for (const ValueId id : tuple->items) {
      const PickleValue& extent = pickle_.at(id);
      if (extent.kind != PickleKind::integer || extent.number < 0)
        refuse("has a shape or strides that are not whole numbers from 0");
      out.push_back(extent.number);
    }
    return out;
  }

  // Every element lies inside the storage, by checked arithmetic, empty views included.
  void check_view(const PthView& view) const {
    const PthStorage& storage = *view.storage;
    std::uint64_t bytes = 0;
    if (view.sizes.size() != view.strides.size()) refuse("has another number of strides than of dimensions");
    if (!shape_bytes(view.sizes, storage.item, bytes)) refuse("has an impossible shape");
    if (view.offset < 0 || view.offset > storage.count) refuse("begins outside its storage");
    if (bytes > storage.bytes.size())
      refuse("is larger than its storage (an expanded view); save a contiguous copy");
    std::int64_t last = view.offset;
    for (std::size_t i = 0; i < view.sizes.size(); ++i) {
      std::int64_t reach = 0;
      if (!checked_mul(std::max<std::int64_t>(view.sizes[i] - 1, 0), view.strides[i], reach) ||
          !checked_add(last, reach, last))
        refuse("has impossible strides");
    }
    if (bytes > 0 && last >= storage.count) refuse("reaches past the end of its storage");
    if (!storage.type)
      refuse("has the type " + std::string(storage.type_name) + ", which Thaw does not read");
  }

  const Pickle& pickle_;
  const PthStorages& storages_;
  const std::string shown_;
};

bool is_contiguous(const PthView& view) {
  std::int64_t expected = 1;
  for (std::size_t i = view.sizes.size(); i-- > 0;) {
    if (view.sizes[i] != 1 && view.strides[i] != expected) return false;
    expected *= view.sizes[i];
  }
  return true;
}

// Copies the view's elements into `to`, row-major.
void gather(PthView view, std::byte* to) {
  // The stride of a dimension of one element means nothing and may be any number.
  for (std::size_t i = 0; i < view.sizes.size(); ++i)
    if (view.sizes[i] == 1) view.strides[i] = 0;
  const std::size_t item = view.storage->item;
  const std::size_t rank = view.sizes.size();
  std::vector<std::int64_t> index(rank, 0);
  const std::int64_t inner_size = view.sizes[rank - 1];
  const std::int64_t inner_stride = view.strides[rank - 1];
  for (std::int64_t row = view.offset;;) {
    for (std::int64_t i = 0; i < inner_size; ++i, to += item)
      std::memcpy(to, view.storage->bytes.data() + static_cast<std::size_t>(row + i * inner_stride) * item,
                  item);
    std::size_t d = rank - 1;
    while (d-- > 0) {
      row += view.strides[d];
      if (++index[d] < view.sizes[d]) break;
      row -= view.strides[d] * view.sizes[d];
      index[d] = 0;
    }
    if (d == static_cast<std::size_t>(-1)) return;
  }
}

}  // namespace

bool is_tensor_call(const Pickle& pickle, ValueId id) {
  const PickleValue& value = pickle.at(id);
  if (value.kind != PickleKind::call) return false;
  const std::string_view name = pickle.at(value.function).text;
  return name.starts_with("torch._utils._rebuild_") || name.starts_with("torch._tensor._rebuild_") ||
         name.starts_with("torch.tensor._rebuild_") || name == "torch.nn.parameter.Parameter" ||
         name == "torch.Tensor";
}

void read_pth_tensor(const Pickle& pickle, ValueId id, const std::string& key, const PthStorages& storages,
                     TensorIntake& intake, const std::string& where) {
  const ViewReader reader(pickle, storages, where + ": tensor '" + printable(key) + "'");
  const PthView view = reader.read(id);
  std::uint64_t bytes = 0;
  if (!shape_bytes(view.sizes, view.storage->item, bytes)) throw Error(where + ": an impossible shape");
  intake.admit(key, bytes, view.sizes.size());
  const std::size_t size = static_cast<std::size_t>(bytes);
  if (size == 0 || is_contiguous(view)) {
    const std::size_t begin = static_cast<std::size_t>(view.offset) * view.storage->item;
    intake.add(key, view.storage->bytes.subspan(begin, size), *view.storage->type, Shape(view.sizes));
    return;
  }
  const auto gathered = std::make_unique_for_overwrite<std::byte[]>(size);
  gather(view, gathered.get());
  intake.add(key, {gathered.get(), size}, *view.storage->type, Shape(view.sizes));
}

}  // namespace thaw
