"""How good is it now? Real AP, by the estimator that users run, and pictures of fields beside their targets."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nimblepose.codec.encode import encode
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.dataset import PoseDataset
from nimblepose.data.sheet import draw_fields, tile
from nimblepose.model.network import PoseNetwork
from nimblepose.training.feed import normalise
from nimblepose.training.recipe import Recipe


@dataclass(frozen=True)
class Validator:
    """Measures a network on the recipe's validation pictures, or only draws where there are none."""

    recipe: Recipe
    skeleton: Skeleton
    dataset: PoseDataset

    def measure(self, network: PoseNetwork, metadata: ModelMetadata) -> dict[str, float]:
        """AP over OKS 0.5 to 0.95 as `ap`, at 0.5 as `ap50`."""
        import tempfile
        from nimblepose.data.coco import read_json, category_of
        from nimblepose.model.checkpoint import save_checkpoint
        from nimblepose.runtime.estimator import PoseEstimator
        from faster_coco_eval import COCO, COCOeval_faster
        import copy
        v=self.recipe.validation
        coco=read_json(Path(v.annotations))
        cat=category_of(coco,self.skeleton,v.annotations)
        with tempfile.TemporaryDirectory() as d:
            save_checkpoint(network, metadata, Path(d)/"a.safetensors")
            est=PoseEstimator(Path(d)/"a.safetensors", input_height=v.height)
        have={a["image_id"] for a in coco["annotations"]}
        ims=[i for i in coco["images"] if i["id"] in have][: v.max_pictures or None]
        res=[]
        for i in ims:
            res+=est(Path(v.images)/i["file_name"]).to_coco(i["id"],category_id=cat)
        if not res: return {"ap":0.0,"ap50":0.0}
        gt=COCO(copy.deepcopy(coco)); dt=gt.loadRes(res)
        e=COCOeval_faster(gt,dt,iouType="keypoints",kpt_oks_sigmas=[self.skeleton.oks_sigmas[i] for i in self.skeleton.annotated_indices])
        e.params.imgIds=[i["id"] for i in ims]
        e.evaluate();e.accumulate();e.summarize()
        return {"ap":float(e.stats[0]),"ap50":float(e.stats[1])}

    @torch.no_grad()
    def draw(self, network: PoseNetwork, metadata: ModelMetadata) -> NDArray[np.uint8]:
        """The same few training samples every time: what is predicted on the left, the targets on the right.

        Returns:
            (pictures x H, 6 W, 3) uint8 RGB.
        """
        stride = self.recipe.encode.stride
        cells = (self.recipe.data.size[0] // stride, self.recipe.data.size[1] // stride)
        device = next(network.parameters()).device
        rows = []
        for number in range(min(self.recipe.validation.pictures, len(self.dataset))):
            batch = self.dataset[number]
            image = np.ascontiguousarray(batch.image[0].numpy().transpose(1, 2, 0))
            fields = network(normalise(batch.image.to(device), metadata.input))[-1]
            predicted = draw_fields(image, *(field[0].float().cpu().numpy() for field in fields))
            wanted = draw_fields(image, *encode(batch.xy[0].numpy(), cells, self.skeleton, self.recipe.encode))
            rows.append(np.concatenate([predicted, wanted], axis=1))
        return tile(rows, 1)
