// Fields to poses: the chain of the steps. Headers only; C++17 and nlohmann/json are all it takes.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "grouping.hpp"
#include "resize.hpp"

namespace nimblepose {

/// In pixels of the picture; the centre of the first pixel is (0, 0).
struct Pose {
  float score;
  std::vector<float> keypoints;  // x and y of K, NaN where not found
  std::vector<float> scores;     // of each keypoint
};

/// What a pose is worth: the object keypoint similarity to expect of it, or how sure its limbs are.
inline float rate(const Person& person, const Model& model) {
  if (!model.has_scorer) return person.limb_score;
  const size_t count = person.heights.size();
  std::vector<double> features(person.heights.begin(), person.heights.end());
  double sum = 0, lowest = INFINITY, found = 0;
  float low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (size_t k = 0; k < count; k++) {
    sum += person.heights[k];
    if (std::isnan(person.keypoints[2 * k])) continue;
    found++;
    lowest = std::min<double>(lowest, person.heights[k]);
    for (size_t axis = 0; axis < 2; axis++) {
      low[axis] = std::min(low[axis], person.keypoints[2 * k + axis]);
      high[axis] = std::max(high[axis], person.keypoints[2 * k + axis]);
    }
  }
  for (const double value : {double(person.limb_score), sum / found, found / count, lowest,
                             std::log1p(double(high[0] - low[0])), std::log1p(double(high[1] - low[1]))})
    features.push_back(value);
  const Scorer& scorer = model.scorer;
  double value = scorer.output_bias;
  for (size_t unit = 0; unit < scorer.hidden_bias.size(); unit++) {
    double total = scorer.hidden_bias[unit];
    for (size_t i = 0; i < features.size(); i++)
      total += (features[i] - scorer.centre[i]) / scorer.spread[i] * scorer.hidden[i][unit];
    value += std::tanh(total) * scorer.output[unit];
  }
  return float(1 / (1 + std::exp(-std::clamp(value, -50.0, 50.0))));
}

/// Everybody in the fields of one picture, best first.
inline std::vector<Pose> decode(const Fields& fields, const Placement& placement, const Model& model) {
  const Peaks peaks = find_peaks(fields, model);
  const auto people = assemble(match_limbs(score_limbs(fields, peaks, model)), peaks, model);
  std::vector<Pose> poses;
  for (const auto& person : people) {
    Pose pose{rate(person, model), person.keypoints, person.heights};
    if (!(pose.score >= model.options.min_pose_score)) continue;
    for (size_t i = 0; i < pose.keypoints.size(); i++) {
      const int side = i % 2 ? 0 : 1;  // of {height, width}
      const double factor = double(placement.input_size[side]) / placement.image_size[side];
      pose.keypoints[i] = float((pose.keypoints[i] + 0.5) * model.input.stride / factor - 0.5);
    }
    poses.push_back(std::move(pose));
  }
  std::stable_sort(poses.begin(), poses.end(), [](const Pose& a, const Pose& b) { return a.score > b.score; });
  if (model.options.max_poses && int(poses.size()) > model.options.max_poses) poses.resize(model.options.max_poses);
  return poses;
}

}  // namespace nimblepose
