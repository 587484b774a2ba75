"""Writes parameters.txt: names and shapes of the parameters of torchvision's networks.

Run with torch 2.5.1 and torchvision 0.20.1: python parameters.py > parameters.txt
"""

import torch
import torchvision

with torch.device("meta"):
    for name in ["vgg11", "vgg11_bn", "vgg16", "vgg16_bn", "resnet18", "resnet50"]:
        network = getattr(torchvision.models, name)()
        print(name)
        for parameter, value in network.named_parameters():
            print(" ", parameter, *value.shape)
