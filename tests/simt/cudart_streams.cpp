// Streams, events and graphs of the emulated CUDA runtime. The default stream is refused, since Thaw never
// means it, and so is a stream that would wait for it.
#include <cuda_runtime.h>

#include <utility>

#include "tests/simt/runtime.h"

using simt::Runtime;

extern "C" {

cudaError_t CUDARTAPI cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (flags != cudaStreamNonBlocking) r.report("a stream that waits for the default stream");
  *stream = r.add_stream();
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t CUDARTAPI cudaStreamDestroy(cudaStream_t stream) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!r.usable(stream)) return r.answer(cudaErrorInvalidResourceHandle);
  r.remove_stream(stream);
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamSynchronize(cudaStream_t stream) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!r.usable(stream)) return r.answer(cudaErrorInvalidResourceHandle);
  if (stream->capture) return r.answer(cudaErrorStreamCaptureUnsupported);
  r.wait(stream);
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamQuery(cudaStream_t stream) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!r.usable(stream)) return r.answer(cudaErrorInvalidResourceHandle);
  r.step(stream);
  return r.answer(stream->queue.empty() ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t CUDARTAPI cudaDeviceSynchronize() {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  r.wait_all();
  return r.answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  *event = new CUevent_st;
  (*event)->timed = (flags & cudaEventDisableTiming) == 0;
  return Runtime::instance().answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return Runtime::instance().answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  const cudaError_t error = simt::enqueue(stream, [&r, time = event->time] { *time = r.milliseconds; });
  if (error == cudaSuccess && !stream->capture) event->point = {stream, stream->queued};
  return error;
}
cudaError_t CUDARTAPI cudaEventSynchronize(cudaEvent_t event) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (event->point.stream && r.usable(event->point.stream)) r.wait(event->point.stream, event->point.upto);
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaEventQuery(cudaEvent_t event) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  const CUstream_st::Point point = event->point;
  if (!point.stream || !r.usable(point.stream)) return r.answer(cudaSuccess);
  if (point.stream->done < point.upto) r.step(point.stream);
  return r.answer(point.stream->done >= point.upto ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t CUDARTAPI cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  for (const cudaEvent_t event : {begin, end}) {
    const CUstream_st::Point point = event->point;
    if (!event->timed || !point.stream) return r.answer(cudaErrorInvalidResourceHandle);
    if (r.usable(point.stream) && point.stream->done < point.upto) return r.answer(cudaErrorNotReady);
  }
  *milliseconds = static_cast<float>(*end->time - *begin->time);
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!r.usable(stream)) return r.answer(cudaErrorInvalidResourceHandle);
  if (event->point.stream) stream->waits.push_back(event->point);
  return r.answer(cudaSuccess);
}

cudaError_t CUDARTAPI cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  if (!r.usable(stream)) return r.answer(cudaErrorInvalidResourceHandle);
  if (stream->capture) return r.answer(cudaErrorIllegalState);
  stream->capture = new CUgraph_st;
  stream->capture->mode = mode;
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  *graph = std::exchange(stream->capture, nullptr);
  if (*graph == nullptr) return r.answer(cudaErrorIllegalState);
  if (!(*graph)->broken) return r.answer(cudaSuccess);
  delete std::exchange(*graph, nullptr);
  return r.answer(cudaErrorStreamCaptureInvalidated);
}
cudaError_t CUDARTAPI cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                           unsigned long long) {
  *executable = new CUgraphExec_st{graph->operations};
  return Runtime::instance().answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  Runtime& r = Runtime::instance();
  const auto lock = r.lock();
  for (const auto& operation : executable->operations)
    if (const cudaError_t error = simt::enqueue(stream, operation)) return error;
  return r.answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return Runtime::instance().answer(cudaSuccess);
}
cudaError_t CUDARTAPI cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return Runtime::instance().answer(cudaSuccess);
}

}  // extern "C"
