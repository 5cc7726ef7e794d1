// What the JSON file beside a model says: how to feed it, and how to decode what it gives.
// org.json is part of Android; elsewhere it is a library of that name.
package nimblepose

import org.json.JSONArray
import org.json.JSONObject

class Input(told: JSONObject) {
    val name: String = told.getString("name")
    val layout: String = told.getString("layout")
    val type: String = told.getString("type")
    val blueFirst = told.getString("channels") == "bgr"
    val mean = told.getDouble("mean").toFloat()
    val scale = told.getDouble("scale").toFloat()
    val stride = told.getInt("stride")
}

class Options(told: JSONObject) {
    val minPeakScore = told.getDouble("min_peak_score").toFloat()
    val maxSaddle = told.getDouble("max_saddle").toFloat()
    val minLimbScore = told.getDouble("min_limb_score").toFloat()
    val longLimb = told.getDouble("long_limb").toFloat()
    val minLimbShare = told.getDouble("min_limb_share")
    val minPoseScore = told.getDouble("min_pose_score").toFloat()
    val maxPeaks = told.getInt("max_peaks")
    val limbSamples = told.getInt("limb_samples")
    val minKeypoints = told.getInt("min_keypoints")
    val maxPoses = told.getInt("max_poses")
    val pruneCrowds = told.getBoolean("prune_crowds")
    val pafOffset = told.getDouble("paf_offset").toFloat()
}

/** What poses look like: a normal distribution of all coordinates. */
class Prior(told: JSONObject) {
    val mean = told.getJSONArray("mean").toRows() // of K keypoints
    val covariance = told.getJSONArray("covariance").toRows() // 2 K x 2 K

    /** K x K: the root of the mean square between keypoints, in diagonals of a pose's box. */
    val distances = Array(mean.size) { i ->
        DoubleArray(mean.size) { j -> Math.sqrt(Math.max(own(i, i) + own(j, j) - 2 * own(i, j), 1e-6)) }
    }

    private fun own(i: Int, j: Int) = listOf(0, 1).map { axis ->
        covariance[2 * i + axis][2 * j + axis] + mean[i][axis] * mean[j][axis]
    }.sum()
}

/** What a pose is worth: a network of one hidden layer. */
class Scorer(told: JSONObject) {
    val centre = told.getJSONArray("centre").toDoubles()
    val spread = told.getJSONArray("spread").toDoubles()
    val hidden = told.getJSONArray("hidden").toRows()
    val hiddenBias = told.getJSONArray("hidden_bias").toDoubles()
    val output = told.getJSONArray("output").toDoubles()
    val outputBias = told.getJSONArray("output_bias").getDouble(0)
}

class Model(text: String) {
    private val told = JSONObject(text)
    private val metadata = told.getJSONObject("metadata")
    private val skeleton = metadata.getJSONObject("skeleton")
    val files = told.getJSONArray("files").map { getString(it) }
    val outputs = told.getJSONArray("outputs").map { getJSONObject(it).getString("name") }
    val input = Input(told.getJSONObject("input"))
    val options = Options(told.getJSONObject("decode"))
    val keypoints = skeleton.getJSONArray("keypoints").map { getString(it) }

    /** From keypoint, to keypoint. */
    val limbs = skeleton.getJSONArray("limbs").map { i ->
        getJSONArray(i).let { Pair(keypoints.indexOf(it.getString(0)), keypoints.indexOf(it.getString(1))) }
    }

    /** K x K: one keypoint, or the two ends of a limb. */
    val relations = Array(keypoints.size) { a -> BooleanArray(keypoints.size) { b -> a == b || isLimb(a, b) } }
    val prior = if (metadata.isNull("prior")) null else Prior(metadata.getJSONObject("prior"))
    val scorer = if (metadata.isNull("scorer")) null else Scorer(metadata.getJSONObject("scorer"))

    private fun isLimb(a: Int, b: Int) = Pair(a, b) in limbs || Pair(b, a) in limbs
}

fun <T> JSONArray.map(read: JSONArray.(Int) -> T): List<T> = (0 until length()).map { read(it) }

fun JSONArray.toDoubles() = DoubleArray(length()) { getDouble(it) }

fun JSONArray.toRows() = Array(length()) { getJSONArray(it).toDoubles() }
