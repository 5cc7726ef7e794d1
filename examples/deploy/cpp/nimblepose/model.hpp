// What the JSON file beside a model says: how to feed it, and how to decode what it gives.
#pragma once

#include <array>
#include <cmath>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace nimblepose {

struct Input {
  std::string name, layout, type;
  bool blue_first;  // order of channels
  float mean, scale;
  int stride;
};

struct Options {
  float min_peak_score, max_saddle, min_limb_score, long_limb;
  double min_limb_share;
  float min_pose_score;
  int max_peaks, limb_samples, min_keypoints, max_poses;
  bool prune_crowds;
  float paf_offset;
};

/// What poses look like: a normal distribution of all coordinates.
struct Prior {
  std::vector<std::array<double, 2>> mean;      // of K keypoints
  std::vector<std::vector<double>> covariance;  // 2 K x 2 K
  std::vector<std::vector<double>> distances;   // K x K, in diagonals of a pose's box
};

/// What a pose is worth: a network of one hidden layer.
struct Scorer {
  std::vector<double> centre, spread, hidden_bias, output;
  std::vector<std::vector<double>> hidden;
  double output_bias;
};

struct Model {
  std::vector<std::string> files, outputs, keypoints;
  Input input;
  Options options;
  std::vector<std::array<int, 2>> limbs;     // from keypoint, to keypoint
  std::vector<std::vector<bool>> relations;  // K x K: one keypoint, or the two ends of a limb
  bool has_prior = false, has_scorer = false;
  Prior prior;
  Scorer scorer;
};

namespace detail {

inline std::vector<std::vector<double>> measure_distances(const Prior& prior) {
  const size_t count = prior.mean.size();
  std::vector<std::vector<double>> distances(count, std::vector<double>(count));
  const auto own = [&](size_t i, size_t j) {
    double sum = 0;
    for (size_t axis = 0; axis < 2; axis++)
      sum += prior.covariance[2 * i + axis][2 * j + axis] + prior.mean[i][axis] * prior.mean[j][axis];
    return sum;
  };
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++)
      distances[i][j] = std::sqrt(std::max(own(i, i) + own(j, j) - 2 * own(i, j), 1e-6));
  return distances;
}

}  // namespace detail

/// Throws std::runtime_error: no such file, or not one of `nimblepose export --to`.
inline Model read_model(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  Model model;
  try {
    const auto told = nlohmann::json::parse(file);
    const auto &input = told.at("input"), &decode = told.at("decode"), &metadata = told.at("metadata");
    model.files = told.at("files").get<std::vector<std::string>>();
    for (const auto& output : told.at("outputs")) model.outputs.push_back(output.at("name"));
    model.input = {input.at("name"), input.at("layout"), input.at("type"), input.at("channels") == "bgr",
                   input.at("mean"), input.at("scale"), input.at("stride")};
    model.options = {decode.at("min_peak_score"), decode.at("max_saddle"), decode.at("min_limb_score"),
                     decode.at("long_limb"), decode.at("min_limb_share"), decode.at("min_pose_score"),
                     decode.at("max_peaks"), decode.at("limb_samples"), decode.at("min_keypoints"),
                     decode.at("max_poses"), decode.at("prune_crowds"), decode.at("paf_offset")};
    const auto& skeleton = metadata.at("skeleton");
    model.keypoints = skeleton.at("keypoints").get<std::vector<std::string>>();
    const size_t count = model.keypoints.size();
    const auto find = [&](const std::string& name) {
      for (size_t k = 0; k < count; k++)
        if (model.keypoints[k] == name) return static_cast<int>(k);
      throw std::runtime_error("no keypoint " + name);
    };
    model.relations.assign(count, std::vector<bool>(count, false));
    for (size_t k = 0; k < count; k++) model.relations[k][k] = true;
    for (const auto& limb : skeleton.at("limbs")) {
      const int from = find(limb.at(0)), to = find(limb.at(1));
      model.limbs.push_back({from, to});
      model.relations[from][to] = model.relations[to][from] = true;
    }
    if ((model.has_prior = metadata.contains("prior") && !metadata.at("prior").is_null())) {
      model.prior.mean = metadata.at("prior").at("mean").get<std::vector<std::array<double, 2>>>();
      model.prior.covariance = metadata.at("prior").at("covariance").get<std::vector<std::vector<double>>>();
      model.prior.distances = detail::measure_distances(model.prior);
    }
    if ((model.has_scorer = metadata.contains("scorer") && !metadata.at("scorer").is_null())) {
      const auto& scorer = metadata.at("scorer");
      model.scorer = {scorer.at("centre"), scorer.at("spread"), scorer.at("hidden_bias"), scorer.at("output"),
                      scorer.at("hidden"), scorer.at("output_bias").at(0)};
    }
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(path + " is not a JSON file of `nimblepose export --to`: " + error.what());
  }
  return model;
}

}  // namespace nimblepose
